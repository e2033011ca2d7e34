"""Which views each network of a k-fold run needs: ``python benchmarks/fold_views.py --data DIR --store runs``.

Held-out scores of a k-fold run are of one network a person, so they do not show what the networks gain together. Here
the people of each outer fold are left out of the data set, the recipe trains its folds on the rest, and all its
networks predict the people left out, in each view. Then every way of sharing the views out is scored on the same
people, in pairs with both views for all networks.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskwise.cli.progress import PlainLines
from maskwise.data.manifest import read_train
from maskwise.ensembles.vote_members import vote_folds
from maskwise.evaluation.comparison import compare
from maskwise.evaluation.format_comparison import signed
from maskwise.fitting.parts import join_folds
from maskwise.fitting.photos import read_set
from maskwise.fitting.refuse_early import split_people
from maskwise.probabilities import Probabilities, averaged, multiplied
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import Floats, PhotoTable, Predictions
from maskwise.seeds import rng_for
from maskwise.text_table import aligned
from maskwise.training.inference import View
from maskwise.workflows.run_models import load_run
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_or_read

VIEWS: tuple[View, ...] = ("as_is", "mirrored")
BATCH = 64


class Network(NamedTuple):
    """One trained network: of which part and fold, and what it predicts in each of ``VIEWS``."""

    part: int
    fold: int
    in_view: list[Probabilities]


def main() -> None:
    """Train what is missing, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True, help="runs and the outer folds' data sets; kept")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "maskwise")
    parser.add_argument("--recipe", default="best", help="one that splits into folds")
    parser.add_argument("--outer", default="0,1,2", help="which of its folds are left out in turn")
    words = parser.parse_args()
    recipe = load_recipe(words.recipe, [])
    manifest = read_train(words.data, recipe.task)
    fold_N = split_people(recipe, manifest)
    found: dict[str, list[Predictions]] = {}
    for outer in map(int, words.outer.split(",")):
        table = manifest.table.take(fold_N == outer)
        root = write_others(words.data, set(map(str, table.person_N)), words.store / f"data-without-{outer}")
        networks = predict_each(recipe, table, manifest.root, Place(root, words.store / f"runs-{outer}", words.cache))
        for way, views_of in ways(networks).items():
            probs = together(recipe, networks, views_of)
            seen_N = np.full(len(table), "held_out", dtype=object)
            columns = (table.photo_N, table.person_N, table.class_N, probs.probs_NC, seen_N)
            found.setdefault(way, []).append(Predictions(*columns))
    print("\n".join(scores({way: join_folds(each) for way, each in found.items()}, recipe)))


def write_others(data: Path, left_out: set[str], root: Path) -> Path:
    """A data set of the people who are not ``left_out``: their rows and a copy of their folders."""
    if (root / "train" / "train.csv").is_file():
        return root
    with (data / "train" / "train.csv").open(newline="", encoding="utf-8") as file:
        heading, *rows = list(csv.reader(file))
    person = heading.index("person" if "person" in heading else "id")
    kept = [row for row in rows if row[person] not in left_out]
    for row in kept:
        folder = row[heading.index("path")]
        shutil.copytree(data / "train" / "images" / folder, root / "train" / "images" / folder, dirs_exist_ok=True)
    with (root / "train" / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *kept])
    return root


def predict_each(recipe: Recipe, table: PhotoTable, root: Path, place: Place) -> list[Network]:
    """What each network of the recipe, trained on ``place.data``, predicts for the people of ``table``."""
    run = train_or_read(recipe, place, ["benchmark"], PlainLines())
    models = load_run(run.folder)
    parts = models.members[0].parts
    keys = [(part, fold) for part, each in enumerate(parts) for fold in range(len(each.models))]
    files = {
        (key, view): place.store / f"{run.record.run_id}-{key[0]}-{key[1]}-{view}.npy" for key in keys for view in VIEWS
    }
    if not all(file.is_file() for file in files.values()):
        photos, _ = read_set(table, root, models.specs[0], place.cache, PlainLines())
        batches: dict[Path, list[Floats]] = {}
        for start in range(0, len(table), BATCH):
            pixels = photos.read(np.arange(start, min(start + BATCH, len(table))))
            for view in VIEWS:
                predicted = models.in_views((view,)).predict_each([pixels])
                for part, fold in keys:
                    probs_NC = predicted[id(parts[part].models[fold])].probs_NC
                    batches.setdefault(files[(part, fold), view], []).append(probs_NC)
        for file, probs in batches.items():
            np.save(file, np.concatenate(probs))
    return [Network(*key, [Probabilities(np.load(files[key, view]), None) for view in VIEWS]) for key in keys]


Views = dict[tuple[int, int], tuple[int, ...]]
"""The positions in ``VIEWS`` that are averaged, by part and fold."""


def ways(networks: Sequence[Network]) -> dict[str, Views]:
    """The ways of sharing views out among networks, by name."""

    def way(of_fold: Sequence[tuple[int, ...]], parts: Sequence[int], others: tuple[int, ...] = (0, 1)) -> Views:
        return {
            (net.part, net.fold): of_fold[net.fold % len(of_fold)] if net.part in parts else others for net in networks
        }

    parts = sorted({net.part for net in networks})
    found = {
        "both views": way([(0, 1)], parts),
        "the first view": way([(0,)], parts),
        "the second view": way([(1,)], parts),
        "views in turn": way([(0,), (1,)], parts),
        "views in turn, from the second": way([(1,), (0,)], parts),
    }
    for part in parts if len(parts) > 1 else ():
        found[f"part {part} in turn, both views for others"] = way([(0,), (1,)], [part])
        found[f"part {part} in turn, the first view for others"] = way([(0,), (1,)], [part], (0,))
        found[f"part {part} the first view, both for others"] = way([(0,)], [part])
    return found


def together(recipe: Recipe, networks: Sequence[Network], views_of: Views) -> Probabilities:
    """What the run predicts where each network has its own views."""
    parts = []
    for position, single in enumerate(single_recipes(recipe)):
        folds = [
            averaged([net.in_view[view] for view in views_of[net.part, net.fold]])
            for net in networks
            if net.part == position
        ]
        parts.append((single.recipe.task.attributes, vote_folds(folds, recipe.predict.fold_vote)))
    return multiplied(parts, recipe.task)


def scores(found: dict[str, Predictions], recipe: Recipe) -> list[str]:
    """A line a way: macro F1 and accuracy, and what it gains on the first in pairs by person."""
    first = next(iter(found.values()))
    rows: list[tuple[str, ...]] = [("networks see", "macro F1", "gain", "accuracy", "gain", "gender", "age")]
    for name, each in found.items():
        compared = compare(first, each, recipe.task, rng_for(0, "intervals"))
        joint = compared.joint
        others = [f"{compared.per_attribute[key].accuracy.b:.4f}" for key in ("gender", "age")]
        cells = [
            cell for score in (joint.macro_f1, joint.accuracy) for cell in (f"{score.b:.4f}", signed(score.gain, 4))
        ]
        rows.append((name, *cells, *others))
    people = f"{len(first.photo_N):,} photos of {len(set(map(str, first.person_N))):,} people, held out"
    return [people, *aligned(rows, left=(0, 2, 4))]


if __name__ == "__main__":
    main()
