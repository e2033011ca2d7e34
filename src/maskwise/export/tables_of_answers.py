"""Answers for faces as CSV, one row a face; a photo without one has a row of its own that says so."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.export.answers import ABSTAIN, Answer
from maskwise.labels import Task
from maskwise.store.task_columns import ATTRIBUTE_COLUMN, probability_columns
from maskwise.tables import csv_text

NO_FACE = "no_face"
"""Stands in the column ``class`` for a photo in which no face was found."""


def answers_csv(
    rows: Sequence[tuple[str, Sequence[Answer]]],
    task: Task,
    *,
    boxes: bool,
    tells_age: bool,
    abstain_below: float | None,
) -> str:
    """``rows`` are (photo, its answers). With ``boxes`` each row has the face's number from 0 and its box in pixels.

    The other columns are those of a predictions file; ``class`` and the attributes say ``abstain`` where they are less
    probable than ``abstain_below``.
    """
    columns = ["photo", *(["face", "left_px", "top_px", "right_px", "bottom_px"] if boxes else []), "class"]
    columns += [ATTRIBUTE_COLUMN[attribute] for attribute in task.attributes]
    columns += [*(["age_years"] if tells_age else []), "confidence", *probability_columns(task.n_classes)]
    cells: list[list[object]] = []
    for photo, answers in rows:
        if not answers:
            place = columns.index("class")
            cells.append([photo, *[""] * (place - 1), NO_FACE, *[""] * (len(columns) - place - 1)])
        for number, answer in enumerate(answers):
            box = [number, *_box(answer)] if boxes else []
            cells.append([photo, *box, *_cells(answer, abstain_below, tells_age)])
    return csv_text([columns, *cells])


def _cells(answer: Answer, abstain_below: float | None, tells_age: bool) -> list[object]:
    age = [] if not tells_age else ["" if answer.age_years is None else _digits(answer.age_years)]
    return [
        ABSTAIN if answer.abstains(abstain_below) else answer.class_code,
        *answer.words(abstain_below).values(),
        *age,
        _digits(answer.confidence),
        *map(_digits, answer.probs_C.tolist()),
    ]


def _box(answer: Answer) -> list[str]:
    """The edges of the face; empty for a photo that was read as a whole."""
    return [""] * 4 if answer.face is None else [f"{edge:.1f}" for edge in answer.face.box_xyxy_px]


def _digits(value: float) -> str:
    """Nine digits, which tell every float32 apart."""
    return f"{value:.9g}"
