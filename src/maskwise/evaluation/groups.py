"""Accuracy of groups of photos, and how far each group lies from all others, with intervals by person."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskwise.evaluation.intervals import person_counts, resample_people, scored
from maskwise.evaluation.run_counts import units
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions
from maskwise.score import Score

JOINT = "joint class"
"""The name of the joint class beside the attributes."""


@dataclass(frozen=True)
class GroupScores:
    """One group. ``accuracy`` and ``against_rest`` have an entry for the joint class and one for each attribute."""

    name: str
    photos: int
    people: int
    accuracy: dict[str, Score]
    against_rest: dict[str, Score]
    """The accuracy less that of the photos of all other groups; NaN where there is no other group."""


def hits_of(predictions: Predictions, task: Task) -> dict[str, Ints]:
    """1 where a photo is predicted rightly, else 0: the joint class, then each attribute by itself; N each."""
    codes = task.codes(predictions.class_N)
    joint_N = predictions.probs_NC.argmax(axis=1) == predictions.class_N
    by_attribute = {
        name: task.marginal(predictions.probs_NC, name).argmax(axis=1) == codes[name] for name in task.attributes
    }
    return {name: hit_N.astype(np.int64) for name, hit_N in ({JOINT: joint_N} | by_attribute).items()}


def score_groups(
    predictions: Predictions,
    task: Task,
    group_N: Ints,
    names: Sequence[str],
    rng: np.random.Generator,
    resamples: int = 1000,
) -> tuple[GroupScores, ...]:
    """Every group that has photos, in the order of ``names``; ``group_N`` is its position there, -1 for none.

    Photos of no group count nowhere. Intervals resample people, the same resamples for all groups, so that differences
    between groups that share people (mask states) are as narrow as they should be.
    """
    inside = group_N >= 0
    if not inside.any():
        return ()
    known, group_M = predictions.take(inside), group_N[inside].astype(np.int64)
    hits = hits_of(known, task)
    person_M = units(known)
    cells = len(hits) + 1
    counts_PK = person_counts(person_M, _cells(group_M, list(hits.values()), len(names)), len(names) * cells + 1)
    whole_GT = counts_PK.sum(axis=0, dtype=np.float64)[:-1].reshape(len(names), cells)
    drawn_RGT = resample_people(counts_PK, rng, resamples)[:, :-1].reshape(resamples, len(names), cells)
    people_G = [len(set(person_M[group_M == group])) for group in range(len(names))]
    others_G = [len(set(person_M[group_M != group])) for group in range(len(names))]
    return tuple(
        GroupScores(
            name=name,
            photos=int(whole_GT[group, 0]),
            people=people_G[group],
            accuracy=_scores(list(hits), _shares(whole_GT[group]), _shares(drawn_RGT[:, group]), people_G[group]),
            against_rest=_scores(
                list(hits), _gap(whole_GT, group), _gap(drawn_RGT, group), min(people_G[group], others_G[group])
            ),
        )
        for group, name in enumerate(names)
        if whole_GT[group, 0]
    )


def bands(value_N: Floats, most: int, digits: int) -> tuple[Ints, tuple[str, ...]]:
    """Positions of up to ``most`` bands of about equally many values, and their names; -1 where a value is NaN."""
    known_N = ~np.isnan(value_N)
    if not known_N.any():
        return np.full(len(value_N), -1), ()
    edges = np.unique(np.round(np.quantile(value_N[known_N], np.linspace(0, 1, most + 1)), digits))
    if len(edges) < 2:
        return np.where(known_N, 0, -1), (f"{edges[0]:.{digits}f}",)
    band_N = np.searchsorted(edges[1:-1], np.where(known_N, value_N, 0.0), side="right")
    names = tuple(f"{low:.{digits}f} to {high:.{digits}f}" for low, high in itertools.pairwise(edges))
    return np.where(known_N, band_N, -1).astype(np.int64), names


def _cells(group_M: Ints, hits: Sequence[Ints], n_groups: int) -> Ints:
    """For each photo the cell of its group's count and those of right predictions; misses go into the last one."""
    first_M = group_M * (len(hits) + 1)
    nowhere = n_groups * (len(hits) + 1)
    columns = [np.where(hit_M > 0, first_M + 1 + k, nowhere) for k, hit_M in enumerate(hits)]
    return np.stack([first_M, *columns], axis=1)


def _shares(counts: Floats) -> Floats:
    """Shares of a group's first cell, (..., T); NaN for a group without photos."""
    total = counts[..., :1]
    empty = np.full(counts[..., 1:].shape, np.nan)
    return np.asarray(np.divide(counts[..., 1:], total, out=empty, where=total > 0))


def _gap(counts: Floats, group: int) -> Floats:
    """Shares of ``group`` less those of all others; ``counts`` is (..., G, 1 + T)."""
    mine = counts[..., group, :]
    return np.asarray(_shares(mine) - _shares(counts.sum(axis=-2) - mine))


def _scores(names: Sequence[str], value_T: Floats, drawn_RT: Floats, n_people: int) -> dict[str, Score]:
    return {name: scored(float(value_T[k]), drawn_RT[:, k], n_people) for k, name in enumerate(names)}
