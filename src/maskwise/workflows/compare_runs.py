"""Finished runs against the first: gains by person, a ranking, seeds to plan for, changed photos. No torch.

An arm is one run, or several that differ in their seed alone; all arms have equally many.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from maskwise.chance import rng_for
from maskwise.errors import UserError
from maskwise.evaluation.changed_photos import ChangedPhoto, changed_photos
from maskwise.evaluation.comparison import Comparison, compare_arms
from maskwise.evaluation.ranking import Ranking, rank_arms
from maskwise.evaluation.seeds_needed import SeedsNeeded, seeds_needed
from maskwise.evaluation.shared_photos import shared_photos
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.runs import StoredRun
from maskwise.workflows.join_runs import read_members

Arm = Sequence[StoredRun]


@dataclass(frozen=True)
class ComparedRuns:
    """What was found; ``names[0]`` is the arm that all others are held against."""

    names: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    """Of the second arm, the third … against the first."""
    seeds: tuple[SeedsNeeded, ...]
    """What it takes to tell each of these gains."""
    ranking: Ranking | None
    """Of all arms; None where it was not asked for."""


@dataclass(frozen=True)
class ReadArms:
    """Arms of predictions for the photos that all of them have, in one order."""

    names: tuple[str, ...]
    arms: tuple[tuple[Predictions, ...], ...]
    task: Task
    n_left_out: int
    """Photos that some run has not predicted."""


def read_arms(arms: Sequence[Arm]) -> ReadArms:
    """The held-out predictions of all runs; refuses what ``read_members`` and ``shared_photos`` refuse."""
    predictions, task = read_members([run for arm in arms for run in arm])
    shared = shared_photos(predictions, task)
    every = len(set().union(*(each.photo_N.tolist() for each in predictions)))
    size = len(arms[0])
    parts = tuple(tuple(shared[start : start + size]) for start in range(0, len(shared), size))
    return ReadArms(name_arms(arms), parts, task, every - len(shared[0]))


def compare_runs(read: ReadArms, *, rank: bool = False) -> ComparedRuns:
    """Every arm against the first on the same people, with the same draws of people; with ``rank`` all pairs, too."""
    first, *others = read.arms
    comparisons = [
        dataclasses.replace(compare_arms(first, arm, read.task, rng_for(0, "intervals")), n_left_out=read.n_left_out)
        for arm in others
    ]
    plans = [seeds_needed(first, arm, read.task, rng_for(0, "seeds needed")) for arm in others]
    ranking = rank_arms(read.arms, read.task, rng_for(0, "ranking")) if rank else None
    return ComparedRuns(read.names, tuple(comparisons), tuple(plans), ranking)


def changed_of_arms(read: ReadArms) -> list[tuple[str, list[ChangedPhoto]]]:
    """The photos that each arm reads differently from the first; ``UserError`` for arms of several runs."""
    if len(read.arms[0]) > 1:
        raise UserError(
            f"changed photos must be of one run a side, got {len(read.arms[0])}. Compare one run with one for them."
        )
    base = read.arms[0][0]
    return [
        (name, changed_photos(base, arm[0], read.task)) for name, arm in zip(read.names[1:], read.arms[1:], strict=True)
    ]


def name_arms(arms: Sequence[Arm]) -> tuple[str, ...]:
    """A name for each arm: that of its runs, or the beginning of their ids where names do not tell arms apart."""
    names = [_name(arm) for arm in arms]
    if len(set(names)) < len(names):
        names = [_name(arm, by_id=True) for arm in arms]
    return tuple(names)


def _name(arm: Arm, *, by_id: bool = False) -> str:
    """The runs' name where they share one, else the first's and how many more there are."""
    names = [run.record.run_id[:8] if by_id else run.record.name for run in arm]
    return names[0] if len(set(names)) == 1 else f"{names[0]} +{len(names) - 1}"
