"""Which photos two runs predict differently, and whether that is for better or for worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maskwise.labels import Task
from maskwise.records import Floats, Predictions
from maskwise.tables import csv_text

Change = Literal["better", "worse", "other"]
CHANGE_COLUMNS = (
    "run",
    "photo",
    "person",
    "true_class",
    "class_a",
    "class_b",
    "true_name",
    "name_a",
    "name_b",
    "change",
)


@dataclass(frozen=True)
class ChangedPhoto:
    """A photo whose joint class b predicts differently from a; classes are joint classes."""

    photo: str
    person: str
    true_class: int
    class_a: int
    class_b: int
    label_gain: float
    """The probability that b gives the true class, less a's."""

    @property
    def change(self) -> Change:
        """better: only b is right; worse: only a was; other: both are wrong, each in its way."""
        if self.class_b == self.true_class:
            return "better"
        return "worse" if self.class_a == self.true_class else "other"


def changed_photos(one: Predictions, two: Predictions) -> list[ChangedPhoto]:
    """The photos that run two predicts differently from run one; both hold the same photos in one order."""
    decided = zip(
        one.photo_N.tolist(),
        one.person_N.tolist(),
        one.class_N.tolist(),
        one.probs_NC.argmax(axis=1).tolist(),
        two.probs_NC.argmax(axis=1).tolist(),
        (_of_label(two) - _of_label(one)).tolist(),
        strict=True,
    )
    rows = (ChangedPhoto(*row) for row in decided)
    return [row for row in rows if row.class_a != row.class_b]


def _of_label(run: Predictions) -> Floats:
    """The probability of the true class of each photo."""
    return np.asarray(run.probs_NC[np.arange(len(run)), run.class_N], dtype=np.float64)


def changed_csv(changed_of_runs: Sequence[tuple[str, list[ChangedPhoto]]], task: Task) -> str:
    """All changed photos of several runs against the first as CSV text, classes by number and by name."""
    return csv_text([CHANGE_COLUMNS, *_rows(changed_of_runs, task.class_names)])


def _rows(
    changed_of_runs: Sequence[tuple[str, list[ChangedPhoto]]], names: tuple[str, ...]
) -> Iterator[tuple[object, ...]]:
    for run, changed in changed_of_runs:
        for each in changed:
            codes = (each.true_class, each.class_a, each.class_b)
            yield (run, each.photo, each.person, *codes, *(names[code] for code in codes), each.change)
