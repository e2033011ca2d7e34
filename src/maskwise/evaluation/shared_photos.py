"""The photos that several predictions have in common, in one order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import Task
from maskwise.records import Predictions


def shared_photos(runs: Sequence[Predictions], task: Task) -> list[Predictions]:
    """Every run's rows for the photos that all runs have predicted, sorted by photo id.

    ``DataError`` with all problems for no photo in common, a photo that stands twice in a run, a person or a true class
    that differs between runs, unknown true classes, and probabilities that do not fit the task.
    """
    problems = [fault for number, run in enumerate(runs, start=1) for fault in _faults(run, number, task)]
    if problems:
        raise DataError(problems)
    photos = sorted(set.intersection(*(set(run.photo_N.tolist()) for run in runs)))
    if not photos:
        raise DataError("runs to compare must have photos in common, got none. Compare runs on one data set.")
    shared = [_rows_of(run, photos) for run in runs]
    problems = [f for number, run in enumerate(shared[1:], start=2) for f in _contradictions(run, number, shared[0])]
    if problems:
        raise DataError(problems)
    return shared


def _faults(run: Predictions, number: int, task: Task) -> list[str]:
    problems = []
    doubled = len(run) - len(set(run.photo_N.tolist()))
    if doubled:
        problems.append(f"photos of run {number} must be all different, got {doubled} again. Predict again.")
    if run.probs_NC.shape[1] != task.n_classes:
        problems.append(
            must(
                f"probabilities of each photo of run {number}",
                f"{task.n_classes}, one for each joint class of {' × '.join(task.attributes)}",
                run.probs_NC.shape[1],
                "Compare runs of one task.",
            )
        )
    unknown = int(np.sum((run.class_N < 0) | (run.class_N >= task.n_classes)))
    if unknown:
        problems.append(
            f"true class of every photo of run {number} must be known (0 to {task.n_classes - 1}), "
            f"got {unknown} of {len(run)} photos without one. Give the answers, or leave these photos out."
        )
    return problems


def _rows_of(run: Predictions, photos: Sequence[str]) -> Predictions:
    place_of = {photo: place for place, photo in enumerate(run.photo_N.tolist())}
    return run.take(np.array([place_of[photo] for photo in photos], dtype=np.int64))


def _contradictions(run: Predictions, number: int, first: Predictions) -> list[str]:
    problems = []
    for what, mine_N, theirs_N in (("persons", run.person_N, first.person_N), ("classes", run.class_N, first.class_N)):
        other = np.flatnonzero(mine_N != theirs_N)
        if len(other):
            problems.append(
                f"true {what} of run {number} must be those of run 1, got others for {len(other)} of {len(first)} "
                f"photos, first {first.photo_N[other[0]]!r}. Compare runs on one data set with the same corrections."
            )
    return problems
