"""Confusion counts of several runs on the same photos: of all people, and of resamples of people shared by all runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskwise.evaluation.intervals import person_counts, resample_people
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions, Strings


class Reading(NamedTuple):
    """What N photos are and what each of M runs takes them for, over C classes."""

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


def joint_reading(runs: Sequence[Predictions], task: Task) -> Reading:
    """The most probable joint class by every run; ``runs`` hold the same photos in one order."""
    return Reading(runs[0].class_N, [run.probs_NC.argmax(axis=1) for run in runs], task.n_classes)


def attribute_readings(runs: Sequence[Predictions], task: Task) -> dict[str, Reading]:
    """The most probable class of each attribute by itself; ``runs`` hold the same photos in one order."""
    codes = task.codes(runs[0].class_N)
    return {
        name: Reading(codes[name], [task.marginal(run.probs_NC, name).argmax(axis=1) for run in runs], size)
        for name, size in zip(task.attributes, task.sizes, strict=True)
    }


def count_runs(reading: Reading, person_N: Strings, people_seed: int, resamples: int) -> RunCounts:
    """Count ``reading`` over all people and over ``resamples`` draws of them with replacement.

    The same ``people_seed`` and people give the same draws for every reading, so what is computed of them may be
    compared resample by resample.
    """
    shape = (len(reading.decided_MN), reading.size, reading.size)
    cells_NM = np.stack(
        [
            np.ravel_multi_index((np.full_like(decided_N, run), reading.target_N, decided_N), shape)
            for run, decided_N in enumerate(reading.decided_MN)
        ],
        axis=1,
    )
    counts_PK = person_counts(person_N, cells_NM, int(np.prod(shape)))
    resampled_RK = resample_people(counts_PK, np.random.default_rng(people_seed), resamples)
    whole_K = counts_PK.sum(axis=0, dtype=np.float64).astype(np.int64)
    return RunCounts(whole_K.reshape(shape), resampled_RK.reshape(-1, *shape))
