"""Losses, samplers, label rules, optimizers and schedules on cached features: ``python benchmarks/feature_sweep.py``.

Every line is a single change to the recipe (``--recipe``, by default ``probe``), trained and scored as any run is, and
compared with the recipe as it is in pairs of people. The features of the photos are computed by the first run and read
by all others. Finished runs are read from the store, so the same command goes on where it was stopped.

    python benchmarks/feature_sweep.py --data DIR
    python benchmarks/feature_sweep.py --data DIR --of losses,samplers --seeds 3
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from maskwise.cli.options import cache_folder
from maskwise.cli.progress import listener
from maskwise.recipe.load import load_recipe
from maskwise.sweeps.format_search import format_search
from maskwise.sweeps.search_lists import Alternative, optimizers_to_try, plan_search
from maskwise.sweeps.search_settings import score_search, train_alternatives
from maskwise.text_table import screen_width
from maskwise.workflows.run_recipe import Place

COSINE = ("model.head.kind=cosine", "train.optimizer.rate=0.02")
"""At the rate of ``probe`` such a head has hardly begun after its eight epochs (macro F1 0.12)."""
WEIGHTS = ("inverse_share", "effective_number", "sqrt_inverse_clipped")
NEW_HEADS = ("model.head={kind: attributes}", "model.age_head={kind: linear}")
"""The published heads stand on the backbone's own features, so a neck cannot lie between."""
LISTS: dict[str, dict[str, tuple[str, ...]]] = {
    "losses": {
        "cross-entropy": ("loss.kind=cross_entropy",),
        **{
            f"cross-entropy, {kind}": ("loss.kind=cross_entropy", f"loss.class_weights.kind={kind}") for kind in WEIGHTS
        },
        "focal": ("loss.kind=focal",),
        "focal, gamma 1": ("loss={kind: focal, gamma: 1.0}",),
        "f1": ("loss.kind=f1",),
        "f1 + focal": ("loss.kind=weighted_sum",),
        "balanced softmax, tau 0.5": ("loss={kind: balanced_softmax, tau: 0.5}",),
        "balanced softmax, tau 1": ("loss={kind: balanced_softmax, tau: 1.0}",),
        "one loss an attribute": ("loss.kind=attributes_cross_entropy",),
        "one loss an attribute, age twice": ("loss={kind: attributes_cross_entropy, age_weight: 2.0}",),
        "cosine head, rate 0.02": COSINE,
        "the same, arcface": (*COSINE, "loss={kind: arcface, margin: 0.2}"),
        "the same, ldam": (*COSINE, "loss.kind=ldam"),
        "age term": ("model.age_head={kind: linear}", "auxiliary={kind: age_distribution, weight: 0.3}"),
    },
    "heads": {
        "joint head": ("model.head.kind=joint",),
        "new heads": NEW_HEADS,
        "new heads, neck of 128": (*NEW_HEADS, "model.neck={kind: linear, features: 128, activation: relu}"),
        "no dropout": ("model.dropout=0.0",),
    },
    "samplers": {
        "weighted": ("sampling.kind=weighted",),
        "balanced batches": ("sampling.kind=balanced_batches",),
        "oversample rare": ("sampling.kind=oversample_rare",),
        "oversample rare to half": ("sampling={kind: oversample_rare, share: 0.5}",),
        "oversample men": ("sampling={kind: oversample_group, group: {gender: male}}",),
        "oversample at random": ("sampling.kind=oversample_random",),
        "two masked photos a person": ("sampling.kind=undersample_masked",),
    },
    "targets": {
        "label smoothing": ("targets=[{kind: label_smoothing}]",),
        "soft classes": ("targets=[{kind: soft_classes}]",),
        "soft age borders": ("targets=[{kind: soft_age_border}]",),
        "soft age borders, 5 years": ("targets=[{kind: soft_age_border, margin_years: 5}]",),
        "trained with the border 58": ("task.train_age_borders_years=[30, 58]",),
        "without people of 57 to 59": ("data.drop_ages_years=[[57, 59]]",),
    },
    "schedules": {
        "constant": ("train.schedule.kind=constant",),
        "step": ("train.schedule={kind: step, step_epochs: 3}",),
        "cosine restarts": ("train.schedule.kind=cosine_restarts",),
        "one cycle": ("train.schedule.kind=one_cycle", "train.warmup_epochs=0"),
        "polynomial": ("train.schedule.kind=polynomial",),
        "warm-up": ("train.warmup_epochs=1",),
        "moving average": ("train.ema_decay=0.99",),
    },
    "optimizers": {},
}
"""Optimizers are those of ``maskwise search optimizers``: every kind at three rates."""


def alternatives(names: list[str], recipe: str, changes: list[str]) -> list[Alternative]:
    """Everything to try of the lists ``names``."""
    found = [Alternative(what, what, each) for name in names for what, each in LISTS[name].items()]
    return found + (optimizers_to_try(load_recipe(recipe, changes)) if "optimizers" in names else [])


def main() -> None:
    """Train what is not there yet, then the table and the wall time of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data set in the competition's layout")
    parser.add_argument("--of", default=",".join(LISTS), help=f"which lists: {', '.join(LISTS)}")
    parser.add_argument("--recipe", default="probe")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--cache", type=Path, default=None)
    words = parser.parse_args()
    started, worked = time.perf_counter(), time.process_time()
    plan = plan_search(
        load_recipe(words.recipe, words.changes),
        alternatives(words.of.split(","), words.recipe, words.changes),
        words.seeds,
        by_name=False,
    )
    place = Place(data=words.data, store=words.store, cache=cache_folder(words.cache))
    with listener(quiet=True) as progress:
        arms = train_alternatives(plan, place, sys.argv, progress)
    print(format_search(score_search(plan, arms), screen_width()))
    n_runs = sum(len(arm.runs) for arm in arms)
    wall, own = time.perf_counter() - started, time.process_time() - worked
    print(f"\n{n_runs} runs in {wall:.0f} s, of which {own:.0f} s on the processor ({wall / n_runs:.1f} s a run)")


if __name__ == "__main__":
    main()
