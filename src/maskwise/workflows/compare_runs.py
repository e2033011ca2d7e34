"""Finished runs against the first: gains by person, a ranking, seeds to plan for, changed photos. No torch.

An arm is one run, or several that differ in their seed alone; all arms have equally many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskwise.errors import UserError, must
from maskwise.evaluation.changed_photos import ChangedPhoto, changed_photos
from maskwise.evaluation.comparison import Comparison, compare_arms
from maskwise.evaluation.ranking import Ranking, rank_arms
from maskwise.evaluation.seeds_needed import SeedsNeeded, seeds_needed
from maskwise.evaluation.shared_photos import Arms, align_arms
from maskwise.seeds import rng_for
from maskwise.store.runs import StoredRun
from maskwise.workflows.join_runs import read_members


@dataclass(frozen=True)
class ComparedRuns:
    """What was found; ``names[0]`` is the arm that all others are held against."""

    names: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    """Of the second arm, the third … against the first."""
    seeds: tuple[SeedsNeeded, ...]
    """What it takes to detect each of these gains."""
    ranking: Ranking | None
    """Of all arms; None without ``--rank``."""


def read_arms(arms: Sequence[Sequence[StoredRun]]) -> Arms:
    """The held-out predictions of all runs; refuses what ``read_members`` and ``align_arms`` refuse."""
    predictions, task = read_members([run for arm in arms for run in arm])
    rest = iter(predictions)
    return align_arms([[next(rest) for _ in arm] for arm in arms], task)


def compare_runs(arms: Arms, names: Sequence[str], *, rank: bool = False) -> ComparedRuns:
    """Every arm against the first, with the same resamples of people; with ``rank`` all pairs, too."""
    pairs = [arms.pick(0, other) for other in range(1, len(arms.arms))]
    comparisons = tuple(compare_arms(pair, rng_for(0, "intervals")) for pair in pairs)
    plans = tuple(seeds_needed(pair, rng_for(0, "seeds needed")) for pair in pairs)
    return ComparedRuns(tuple(names), comparisons, plans, rank_arms(arms, rng_for(0, "ranking")) if rank else None)


def changed_of_arms(arms: Arms, names: Sequence[str]) -> list[tuple[str, list[ChangedPhoto]]]:
    """The photos that each arm predicts differently from the first; ``UserError`` for arms of several runs."""
    if arms.n_pairs > 1:
        raise UserError(must("changed photos", "of one run a side", arms.n_pairs, "Compare one run with one for them."))
    first, *others = arms.runs
    return [(name, changed_photos(first, other)) for name, other in zip(names[1:], others, strict=True)]


def name_arms(arms: Sequence[Sequence[StoredRun]]) -> tuple[str, ...]:
    """A name for each arm: that of its runs, or the beginning of their ids where names do not identify arms."""
    names = [_name(arm) for arm in arms]
    if len(set(names)) < len(names):
        names = [_name(arm, by_id=True) for arm in arms]
    return tuple(names)


def _name(arm: Sequence[StoredRun], *, by_id: bool = False) -> str:
    """The runs' name where they share one, else the first's and how many more there are."""
    names = [run.record.run_id[:8] if by_id else run.record.name for run in arm]
    return names[0] if len(set(names)) == 1 else f"{names[0]} +{len(names) - 1}"
