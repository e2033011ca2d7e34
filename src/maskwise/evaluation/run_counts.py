"""Confusion counts of several runs on the same photos: of all people, and of resamples of people shared by all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskwise.errors import DataError
from maskwise.evaluation.intervals import person_counts, resample_people
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions, Strings


class Decisions(NamedTuple):
    """The true class of N photos and the class that each of M runs predicts, of C classes."""

    target_N: Ints
    decided_MN: list[Ints]
    size: int


class RunCounts(NamedTuple):
    """Confusion counts of M runs: of all people, and of R resamples of people."""

    whole_MCC: Ints
    resampled_RMCC: Floats


def units(predictions: Predictions) -> Strings:
    """Whom to resample: the person, or the photo itself where no person is named."""
    return np.where(predictions.person_N == "", predictions.photo_N, predictions.person_N)


def joint_decisions(runs: Sequence[Predictions], task: Task) -> Decisions:
    """The most probable joint class by every run; ``runs`` hold the same photos in one order."""
    return Decisions(runs[0].class_N, [run.probs_NC.argmax(axis=1) for run in runs], task.n_classes)


def attribute_decisions(runs: Sequence[Predictions], task: Task) -> dict[str, Decisions]:
    """The most probable class of each attribute by itself; ``runs`` hold the same photos in one order."""
    codes = task.codes(runs[0].class_N)
    return {
        name: Decisions(codes[name], [task.marginal(run.probs_NC, name).argmax(axis=1) for run in runs], size)
        for name, size in zip(task.attributes, task.sizes, strict=True)
    }


def count_runs(decisions: Decisions, person_N: Strings, people_seed: int, resamples: int) -> RunCounts:
    """Count ``decisions`` over all people and over ``resamples`` samples of them with replacement.

    The same ``people_seed`` and people give the same resamples every time, so what is computed of them may be compared
    resample by resample.
    """
    shape = (len(decisions.decided_MN), decisions.size, decisions.size)
    cells_NM = np.stack(
        [
            np.ravel_multi_index((np.full_like(decided_N, run), decisions.target_N, decided_N), shape)
            for run, decided_N in enumerate(decisions.decided_MN)
        ],
        axis=1,
    )
    counts_PK = person_counts(person_N, cells_NM, int(np.prod(shape)))
    resampled_RK = resample_people(counts_PK, np.random.default_rng(people_seed), resamples)
    whole_K = counts_PK.sum(axis=0, dtype=np.float64).astype(np.int64)
    return RunCounts(whole_K.reshape(shape), resampled_RK.reshape(-1, *shape))


def person_groups(predictions: Predictions, rng: np.random.Generator, groups: int) -> Ints:
    """The group 0 … ``groups`` - 1 of each photo, for cross-fitting: fitted on some people, used on others.

    Photos of a person share a group, groups have alike numbers of people, and fewer people make fewer groups. The
    order of the rows does not matter.
    """
    names_P, person_N = np.unique(units(predictions).astype(str), return_inverse=True)
    if len(names_P) < 2 or groups < 2:
        raise DataError(
            "held-out people must be at least two, in two groups or more, "
            f"got {len(names_P)} in {groups} groups. Hold more people out."
        )
    group_P = rng.permutation(len(names_P)) % min(groups, len(names_P))
    return np.asarray(group_P[person_N], dtype=np.int64)
