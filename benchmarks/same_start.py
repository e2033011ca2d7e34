"""Recipes that begin with the same face network, in pairs: ``python benchmarks/same_start.py --data DIR``.

How much of a score is the recipe's and how much the weights': a plain fine-tuning, the write-up's ``final`` and the
best recipe reported (``record``, macro F1 0.801 on the competition's board) get the backbone, pixels, epochs, batches,
rates and views of ours. ``--learns heads`` trains what stands on cached features (``probe``), ``--learns blocks`` the
last six blocks, too (``quick``). Every arm against ours, in pairs by person and by seed. Where blocks learn,
``record`` votes hard over three pipelines: half photos mixed, nothing mixed, and heads alone; heads cannot mix photos.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskwise.cli.progress import PlainLines
from maskwise.ensembles.config import HardVote
from maskwise.evaluation.comparison import Comparison, Difference
from maskwise.recipe.load import load_recipe
from maskwise.store.runs import StoredRun, read_finished
from maskwise.text_table import aligned
from maskwise.workflows.compare_runs import compare_runs, read_arms
from maskwise.workflows.join_runs import join_runs
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_or_read

FIVE_FOLDS = "{kind: k_fold, folds: 5}"
BASE = {"heads": "probe", "blocks": "quick"}
ONE_HEAD = ("model.head={kind: joint}", "model.age_head=null", "auxiliary=null")
PLAIN = (*ONE_HEAD, "loss={kind: cross_entropy}")
FINAL = (
    *ONE_HEAD,
    "task.train_age_borders_years=[30, 58]",
    "sampling={kind: weighted}",
    "loss={kind: weighted_sum, terms: [{weight: 0.4, loss: {kind: f1, classes: all}}, "
    "{weight: 0.6, loss: {kind: focal, class_weights: {kind: inverse_share}}}]}",
)
RECORD = (
    *ONE_HEAD,
    "task.train_age_borders_years=[30, 59]",
    "data.drop_ages_years=[[27, 29], [57, 59]]",
    "sampling={kind: balanced_batches}",
    "loss={kind: f1, classes: all}",
    "input.crop={kind: face, without_face: whole_photo}",
)
MIXED = (
    "train.cached_views=null",
    "augment=[{kind: flip}]",
    "mixing={kind: half_cutmix, halves: left_right, partner: same_class, jitter: 0.04, p: 0.7}",
)
"""Mixing needs photos, so the blocks that stand still are computed anew in every step."""


def main() -> None:
    """Train what is missing, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learns", choices=sorted(BASE), default="heads")
    parser.add_argument("--ours", help="the recipe that the others are compared with; by default probe or quick")
    parser.add_argument("--against", default="plain,final,record", help="which of these three")
    parser.add_argument("--split", default=FIVE_FOLDS, help="who is scored; by default everybody, in five folds")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--store", type=Path, required=True, help="where runs are kept; the command goes on from there")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "maskwise")
    words = parser.parse_args()
    place, learns = Place(words.data, words.store, words.cache), words.learns
    ours = words.ours or BASE[learns]
    own = [(f"seed={seed}", f"split={words.split}") for seed in range(words.seeds)]
    arms = {ours: [train(place, ours, ours, each) for each in own]}
    for name in words.against.split(","):
        arms[name] = [train_opponent(place, learns, name, each) for each in own]
    print("\n".join(table(arms)))


def train(place: Place, base: str, name: str, own: Sequence[str], changes: Sequence[str] = ()) -> StoredRun:
    """The run of ``base`` with ``changes`` and the arm's seed and split, from the store where it is there."""
    return train_or_read(load_recipe(base, [*changes, f"name={name}", *own]), place, ["benchmark"], PlainLines())


def train_opponent(place: Place, learns: str, name: str, own: Sequence[str]) -> StoredRun:
    """The run of ``plain``, ``final`` or ``record`` with as much of the face network learning as ours."""
    if name == "record":
        return train_record(place, learns, own)
    return train(place, BASE[learns], f"{name}-{learns}", own, {"plain": PLAIN, "final": FINAL}[name])


def train_record(place: Place, learns: str, own: Sequence[str]) -> StoredRun:
    """The record's recipe: one run on heads; a hard vote of three pipelines where blocks learn."""
    heads = train(place, "probe", "record-heads", own, RECORD)
    if learns == "heads":
        return heads
    pipelines = [
        train(place, "quick", "record-mixed", own, (*RECORD, *MIXED)),
        train(place, "quick", "record-unmixed", own, RECORD),
        heads,
    ]
    refs = [run.record.run_id for run in pipelines]
    folder = join_runs(place.store, refs, HardVote(), "record", ["benchmark"], force=True).folder
    return StoredRun(folder, read_finished(folder))


def table(arms: dict[str, list[StoredRun]]) -> list[str]:
    """A line an arm: its scores, and macro F1 against the first in pairs."""
    compared = compare_runs(read_arms(list(arms.values())), list(arms)).comparisons
    first = compared[0]
    rows = [_row(next(iter(arms)), first, ours=True)]
    rows += [_row(name, comparison, ours=False) for name, comparison in zip(list(arms)[1:], compared, strict=True)]
    heading = ("recipe", "macro F1", "accuracy", "gender", "age", "macro F1 against the first")
    people = f"{first.n_photos} photos of {first.n_people} people, held out; seeds: {first.n_pairs}"
    return [people, *aligned([heading, *rows], left=(0, 5))]


def _row(name: str, comparison: Comparison, *, ours: bool) -> tuple[str, ...]:
    def side(difference: Difference) -> str:
        return f"{difference.a if ours else difference.b:.3f}"

    joint, gender, age = comparison.joint, comparison.per_attribute["gender"], comparison.per_attribute["age"]
    gain = joint.macro_f1.gain
    against = "" if ours else f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    return name, side(joint.macro_f1), side(joint.accuracy), side(gender.accuracy), side(age.accuracy), against


if __name__ == "__main__":
    main()
