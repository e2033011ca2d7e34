"""Finished runs that nobody trained: their predictions are right or wrong as given."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwise.evaluation.comparison import Difference
from maskwise.evaluation.evaluate import evaluate
from maskwise.files import write_atomically
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.score import Score
from maskwise.store.kept_files import checksums_of
from maskwise.store.layout import PREDICTIONS, RECIPE, RECORD
from maskwise.store.predictions_file import write_predictions
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import StoredRun, read_record
from maskwise.store.write_runs import finish_run, start_run

TASK = Task(attributes=("mask",))


def predictions_of(right: Sequence[bool], first: int = 0, confidence: float = 0.8) -> Predictions:
    """Photos ``first`` … of classes 0, 1, 2, 0 …, each of its own person, right as given: else the next class."""
    number_N = np.arange(first, first + len(right))
    class_N = number_N % 3
    probs_NC = np.full((len(right), 3), (1 - confidence) / 2, dtype=np.float32)
    probs_NC[np.arange(len(right)), np.where(right, class_N, (class_N + 1) % 3)] = confidence
    return Predictions(
        photo_N=np.array([f"{k:02d}.jpg" for k in number_N], object),
        person_N=np.array([f"p{k:02d}" for k in number_N], object),
        class_N=class_N,
        probs_NC=probs_NC,
        seen_N=np.full(len(right), "held_out", object),
    )


def add_run(store: Path, name: str, right: Sequence[bool], first: int = 0, seconds: float = 60.0) -> StoredRun:
    """A finished run with ``predictions_of(right, first)``."""
    predictions, record = predictions_of(right, first), run_record(name, folds=0)
    folder = start_run(store, record)
    write_atomically(folder / RECIPE, f"name: {name}\n")
    scores = evaluate(predictions, TASK, np.random.default_rng(0), resamples=5)
    finish_run(folder, record, scores, predictions, TASK, seconds=seconds, needed=())
    return StoredRun(folder, read_record(folder))


def rewrite_predictions(folder: Path, predictions: Predictions, task: Task) -> None:
    """Let the finished run in ``folder`` have predicted this; its record holds the new checksum."""
    write_predictions(predictions, task, folder / PREDICTIONS)
    record = dataclasses.replace(read_record(folder), checksums=checksums_of(folder))
    write_atomically(folder / RECORD, record.to_json())


def run_record(name: str, seconds: float = 0.0, **fields: Any) -> RunRecord:
    """A run of that name; its id is made from the name."""
    columns: dict[str, Any] = {"folds": 1, **fields}
    return RunRecord(
        run_id=hashlib.sha256(name.encode()).hexdigest()[:16],
        name=name,
        created_utc="2025-01-31T12:00:00+00:00",
        recipe={},
        seed=0,
        data=RunData("faces", "c0ffee", 12, 12),
        versions={},
        command=("maskwise", "ladder"),
        seconds=seconds,
        **columns,
    )


def gain_of(value: float, low: float, high: float) -> Difference:
    """A difference to an arm that scored 0."""
    return Difference(0.0, value, Score(value, low, high))
