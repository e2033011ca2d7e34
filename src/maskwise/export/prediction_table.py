"""Predictions for faces as CSV (a row per face; a photo without one has a row that says so), and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from maskwise.export.prediction import ABSTAIN, Prediction
from maskwise.labels import Task
from maskwise.store.task_columns import ATTRIBUTE_COLUMN, attribute_columns, joint_columns
from maskwise.tables import csv_text

NO_FACE = "no_face"
"""Stands in the column ``class`` for a photo in which no face was found."""


def predictions_csv(
    rows: Sequence[tuple[str, Sequence[Prediction]]],
    task: Task,
    *,
    boxes: bool,
    with_age: bool,
    abstain_below: float | None,
) -> str:
    """``rows`` are (photo, its predictions). With ``boxes`` each row has the face's number and its box in pixels.

    The other columns are those of a predictions file; ``class`` and the attributes say ``abstain`` where they are less
    probable than ``abstain_below``.
    """
    columns = ["photo", *(["face", "left_px", "top_px", "right_px", "bottom_px"] if boxes else []), "class"]
    columns += [ATTRIBUTE_COLUMN[attribute] for attribute in task.attributes]
    columns += [*(["age_years"] if with_age else []), "confidence", *attribute_columns(task), *joint_columns(task)]
    cells: list[list[object]] = []
    for photo, predictions in rows:
        if not predictions:
            place = columns.index("class")
            cells.append([photo, *[""] * (place - 1), NO_FACE, *[""] * (len(columns) - place - 1)])
        for number, prediction in enumerate(predictions):
            box = [number, *_box(prediction)] if boxes else []
            cells.append([photo, *box, *_cells(prediction, abstain_below, with_age)])
    return csv_text([columns, *cells])


def as_records(
    rows: Sequence[tuple[str, Sequence[Prediction]]], *, boxes: bool, abstain_below: float | None
) -> list[dict[str, Any]]:
    """The same as JSON types, one record per photo: with ``boxes`` its faces are a list, else it is the photo's own."""
    if boxes:
        return [{"photo": photo, "faces": [each.to_dict(abstain_below) for each in faces]} for photo, faces in rows]
    return [{"photo": photo, **each.to_dict(abstain_below)} for photo, (each,) in rows]


def predictions_jsonl(
    rows: Sequence[tuple[str, Sequence[Prediction]]], *, boxes: bool, abstain_below: float | None
) -> str:
    """``as_records``, each on a line."""
    records = as_records(rows, boxes=boxes, abstain_below=abstain_below)
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)


def _cells(prediction: Prediction, abstain_below: float | None, with_age: bool) -> list[object]:
    age = [] if not with_age else ["" if prediction.age_years is None else _digits(prediction.age_years)]
    return [
        ABSTAIN if prediction.abstains(abstain_below) else prediction.class_code,
        *prediction.words(abstain_below).values(),
        *age,
        _digits(prediction.confidence),
        *map(_digits, _probabilities(prediction)),
    ]


def _probabilities(prediction: Prediction) -> list[float]:
    of_attributes = [value for probs in prediction.probabilities.values() for value in probs.values()]
    return [*(of_attributes if len(prediction.probabilities) > 1 else []), *prediction.probs_C.tolist()]


def _box(prediction: Prediction) -> list[str]:
    """The edges of the face; empty for a whole photo."""
    return [""] * 4 if prediction.face is None else [f"{edge:.1f}" for edge in prediction.face.box_xyxy_px]


def _digits(value: float) -> str:
    """Nine digits, which keep every float32."""
    return f"{value:.9g}"
