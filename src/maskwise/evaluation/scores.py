"""What an evaluation found: frozen records and their JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwise.errors import DataError
from maskwise.files import parse_json
from maskwise.records import Ints
from maskwise.score import Score, nan_if_null, null_if_nan


@dataclass(frozen=True)
class TaskScores:
    """Macro F1 and accuracy of the joint class or of one attribute."""

    macro_f1: Score
    accuracy: Score


@dataclass(frozen=True)
class ClassScore:
    """One joint class. Precision is NaN where the class is never predicted, recall where it has no photo."""

    name: str
    photos: int
    """Photos that truly are of the class."""
    people: int
    """People who have such a photo."""
    precision: float
    recall: float
    f1: Score


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of predictions against the truth; compare two with ``to_json()`` (NaN equals nothing, itself included)."""

    n_photos: int
    n_people: int
    """Units that intervals resample; equal to ``n_photos`` where every photo counts as its own person."""
    n_trained_on: int
    """Photos that the model was trained on: scores over these say nothing of new people."""
    optimistic: bool
    """True when the checkpoint was chosen on the scored people."""
    resamples: int
    joint: TaskScores
    log_loss: float
    """Of the joint class, in nats per photo."""
    per_attribute: dict[str, TaskScores]
    per_class: tuple[ClassScore, ...]
    confusion_CC: Ints
    """Photos by true joint class (rows) and predicted joint class (columns)."""

    def headline(self) -> dict[str, float]:
        """Macro F1 and accuracy of the joint class, and the accuracy of each attribute, by name."""
        return {
            "macro_f1": self.joint.macro_f1.value,
            "accuracy": self.joint.accuracy.value,
            **{f"{name}_accuracy": scores.accuracy.value for name, scores in self.per_attribute.items()},
        }

    def to_json(self) -> str:
        """All of it as JSON text; NaN becomes null, and ``from_json`` gives every number back bit by bit."""
        return json.dumps(
            {
                "n_photos": self.n_photos,
                "n_people": self.n_people,
                "n_trained_on": self.n_trained_on,
                "optimistic": self.optimistic,
                "resamples": self.resamples,
                "joint": _task_scores_to_dict(self.joint),
                "log_loss": null_if_nan(self.log_loss),
                "per_attribute": {name: _task_scores_to_dict(s) for name, s in self.per_attribute.items()},
                "per_class": [_class_row_to_dict(row) for row in self.per_class],
                "confusion": self.confusion_CC.tolist(),
            },
            ensure_ascii=False,
            allow_nan=False,
            indent=1,
        )

    @staticmethod
    def from_json(text: str | bytes) -> Evaluation:
        """The evaluation that ``to_json`` wrote. ``DataError`` where the text is anything else."""
        try:
            fields = parse_json(text)
            return Evaluation(
                n_photos=int(fields["n_photos"]),
                n_people=int(fields["n_people"]),
                n_trained_on=int(fields["n_trained_on"]),
                optimistic=bool(fields["optimistic"]),
                resamples=int(fields["resamples"]),
                joint=_task_scores_from_dict(fields["joint"]),
                log_loss=nan_if_null(fields["log_loss"]),
                per_attribute={n: _task_scores_from_dict(s) for n, s in fields["per_attribute"].items()},
                per_class=tuple(_class_row_from_dict(row) for row in fields["per_class"]),
                confusion_CC=np.array(fields["confusion"], dtype=np.int64),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(
                f"scores must be the JSON of an evaluation, got something else ({type(error).__name__}: {error}). "
                "Evaluate the predictions again."
            ) from error


def _task_scores_to_dict(scores: TaskScores) -> dict[str, Any]:
    return {"macro_f1": scores.macro_f1.to_dict(), "accuracy": scores.accuracy.to_dict()}


def _task_scores_from_dict(fields: dict[str, Any]) -> TaskScores:
    return TaskScores(Score.from_dict(fields["macro_f1"]), Score.from_dict(fields["accuracy"]))


def _class_row_to_dict(row: ClassScore) -> dict[str, Any]:
    return {
        "name": row.name,
        "photos": row.photos,
        "people": row.people,
        "precision": null_if_nan(row.precision),
        "recall": null_if_nan(row.recall),
        "f1": row.f1.to_dict(),
    }


def _class_row_from_dict(fields: dict[str, Any]) -> ClassScore:
    return ClassScore(
        name=str(fields["name"]),
        photos=int(fields["photos"]),
        people=int(fields["people"]),
        precision=nan_if_null(fields["precision"]),
        recall=nan_if_null(fields["recall"]),
        f1=Score.from_dict(fields["f1"]),
    )
