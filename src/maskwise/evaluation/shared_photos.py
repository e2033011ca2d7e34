"""The photos that several runs have all predicted, in one order: what is compared, photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import Task
from maskwise.records import Predictions


@dataclass(frozen=True)
class Arms:
    """Runs to compare, on the photos that all of them have predicted, in one order. All arms have equally many runs."""

    arms: tuple[tuple[Predictions, ...], ...]
    """An arm is one run, or several that differ in their seed alone."""
    task: Task
    n_left_out: int
    """Photos that some run has not predicted."""

    @property
    def runs(self) -> tuple[Predictions, ...]:
        """The runs of all arms, one arm after the other."""
        return tuple(run for arm in self.arms for run in arm)

    @property
    def n_pairs(self) -> int:
        """Runs in each arm."""
        return len(self.arms[0])

    def pick(self, *places: int) -> Arms:
        """Some of the arms, still on the photos that all have in common."""
        return Arms(tuple(self.arms[place] for place in places), self.task, self.n_left_out)


def align_arms(arms: Sequence[Sequence[Predictions]], task: Task) -> Arms:
    """``arms`` on the photos that all their runs have predicted, sorted by photo.

    ``DataError`` for arms without a run or of unequal length, and for what ``shared_photos`` refuses.
    """
    sizes = [len(arm) for arm in arms]
    if not sizes or not sizes[0] or len(set(sizes)) > 1:
        got = ", ".join(map(str, sizes)) or "none"
        raise DataError(must("runs of each arm", "equally many, one or more", got, "Run all arms with the same seeds."))
    runs = [run for arm in arms for run in arm]
    shared = shared_photos(runs, task)
    every = len(set().union(*(run.photo_N.tolist() for run in runs)))
    whole = (tuple(shared[start : start + sizes[0]]) for start in range(0, len(shared), sizes[0]))
    return Arms(tuple(whole), task, every - len(shared[0]))


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
    shared = [run.at(photos) for run in runs]
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
            f"got {unknown} of {len(run)} photos without one. Add their true classes, or leave these photos out."
        )
    return problems


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
