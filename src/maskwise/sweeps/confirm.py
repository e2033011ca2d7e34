"""Confirming the best of a sweep: trained anew with other seeds on another split, scored on people who chose nothing.

The best of many looks better than it is, as it was chosen by the very score that it is shown with. So the first few and
the base are trained again with other seeds and hold other people out; of these only those are scored whom no run of the
sweep was scored on. Where the sweep held everybody out in turn (k_fold) there are none, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwise.evaluation.comparison import Difference, compare_arms
from maskwise.evaluation.shared_photos import align_arms
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_held_out
from maskwise.store.layout import PREDICTIONS
from maskwise.store.runs import StoredRun
from maskwise.sweeps.results import SweepResults, TrialRow, finished_run
from maskwise.workflows.join_runs import read_members

CONFIRMED = "confirmed"
"""Which trials were trained again, and with how many seeds."""


@dataclass(frozen=True)
class ConfirmedRow:
    """A trial trained again, against the base trained again."""

    row: TrialRow
    again: Difference
    """Macro F1 of base and trial, means over the seeds, on the same people."""


@dataclass(frozen=True)
class Confirmation:
    """The first few of a sweep, trained again; best first."""

    rows: tuple[ConfirmedRow, ...]
    seeds: int
    n_photos: int
    n_people: int
    of_new_people: bool
    """Whether nobody of them was scored in the sweep."""


def recipes_again(results: SweepResults, row: TrialRow | None, seeds: int) -> list[Recipe]:
    """The recipe of ``row``, or of the base, with the next seeds and the next split."""
    base, space = results.sweep.base, results.sweep.space
    name = f"{space.name}-base" if row is None else f"{space.name}-{row.number}"
    recipe = base if row is None else results.sweep.recipe(row.params, name)
    split = recipe.split.model_copy(update={"seed": recipe.split.seed + 1})
    return [
        recipe.model_copy(update={"name": f"{name}-again", "seed": recipe.seed + k, "split": split})
        for k in range(1, seeds + 1)
    ]


def recipes_to_confirm(results: SweepResults, best: int, seeds: int) -> list[Recipe]:
    """All that is trained again: the base and the ``best`` first of the table, seed by seed."""
    arms = [recipes_again(results, row, seeds) for row in (None, *results.rows[:best])]
    return [recipe for recipes in zip(*arms, strict=True) for recipe in recipes]


def note_confirmed(study: Any, results: SweepResults, best: int, seeds: int) -> None:
    """Write down that these trials were trained again, so that the result can be read later."""
    study.set_user_attr(CONFIRMED, {"trials": [row.number for row in results.rows[:best]], "seeds": seeds})


def read_confirmation(study: Any, results: SweepResults, store: Path) -> Confirmation | None:
    """The trials that were trained again, against the base; None where none were, or a run was deleted since."""
    noted = study.user_attrs.get(CONFIRMED)
    if noted is None or results.base is None or not (results.base.folder / PREDICTIONS).exists():
        return None
    rows = [row for row in results.rows if row.number in noted["trials"]]
    arms = [_runs(results, row, noted["seeds"], store) for row in (None, *rows)]
    if not rows or not all(arms):
        return None
    chose = set(read_held_out(results.base.folder)[0].person_N.tolist())
    predictions, task = read_members([run for arm in arms for run in arm])
    fresh = [_without(each, chose) for each in predictions]
    of_new_people = all(len(set(each.person_N.tolist())) > 1 for each in fresh)
    by_arm = np.arange(len(predictions)).reshape(len(arms), -1).tolist()
    chosen = [[(fresh if of_new_people else predictions)[place] for place in places] for places in by_arm]
    found = [compare_arms(align_arms([chosen[0], arm], task), rng_for(0, "intervals")) for arm in chosen[1:]]
    confirmed = [ConfirmedRow(row, each.joint.macro_f1) for row, each in zip(rows, found, strict=True)]
    return Confirmation(
        rows=tuple(sorted(confirmed, key=lambda each: -each.again.gain.value)),
        seeds=noted["seeds"],
        n_photos=found[0].n_photos,
        n_people=found[0].n_people,
        of_new_people=of_new_people,
    )


def _runs(results: SweepResults, row: TrialRow | None, seeds: int, store: Path) -> list[StoredRun]:
    """The finished runs, seed by seed; none where one is missing."""
    folders = [store / run_id(recipe, results.decisive) for recipe in recipes_again(results, row, seeds)]
    runs = [run for folder in folders if (run := finished_run(folder)) is not None]
    return runs if len(runs) == seeds else []


def _without(predictions: Predictions, people: set[str]) -> Predictions:
    return predictions.take(
        np.array([person not in people for person in predictions.person_N.tolist()], dtype=np.bool_)
    )
