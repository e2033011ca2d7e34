from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskwise.evaluation.evaluate import evaluate
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.layout import RECIPE, SPLIT, weights_path
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.write_runs import finish_run, start_run

MakeRecord = Callable[..., RunRecord]
FinishedRun = Callable[..., Path]


def random_predictions(n_photos: int = 40, seed: int = 0, task: Task | None = None, **changes: Any) -> Predictions:
    """Held-out predictions of people with two photos each; ``changes`` replace columns."""
    rng = np.random.default_rng(seed)
    n_classes = (task or Task()).n_classes
    columns: dict[str, Any] = {
        "photo_N": np.array([f"images/{k:05d}.jpg" for k in range(n_photos)], object),
        "person_N": np.array([f"person {k // 2:04d}" for k in range(n_photos)], object),
        "class_N": rng.integers(0, n_classes, n_photos),
        "probs_NC": rng.dirichlet(np.ones(n_classes), size=n_photos).astype(np.float32),
        "seen_N": np.full(n_photos, "held_out", object),
    }
    return Predictions(**{**columns, **changes})


@pytest.fixture
def make_record() -> MakeRecord:
    """A record of a run that begins; its id follows from name and seed."""

    def make(name: str = "baseline", seed: int = 0, **changes: Any) -> RunRecord:
        fields: dict[str, Any] = {
            "run_id": hashlib.sha256(f"{name} {seed}".encode()).hexdigest()[:16],
            "name": name,
            "created_utc": "2025-01-31T12:00:00+00:00",
            "recipe": {"seed": seed, "train": {"epochs": 4, "rates": [0.1, 0.2]}},
            "seed": seed,
            "data": RunData("faces", "c0ffee" * 4, 8827, 1261),
            "versions": {"maskwise": "1.0", "python": "3.11.9"},
            "command": ("maskwise", "train", "baseline"),
            "folds": 2,
        }
        return RunRecord(**{**fields, **changes})

    return make


@pytest.fixture
def finished_run(make_record: MakeRecord) -> FinishedRun:
    """Write a whole run into a store; returns its folder."""

    def finish(store: Path, name: str = "baseline", seed: int = 0, optimistic: bool = False, **changes: Any) -> Path:
        record, task = make_record(name, seed, **changes), Task()
        folder = start_run(store, record)
        write_training_files(folder, record.folds)
        predictions = random_predictions(seed=seed, optimistic=optimistic)
        evaluation = evaluate(predictions, task, np.random.default_rng(0), resamples=20)
        finish_run(folder, record, evaluation, predictions, task, seconds=485.0)
        return folder

    return finish


def write_training_files(folder: Path, folds: int) -> None:
    """What a training leaves before the run is finished."""
    (folder / RECIPE).write_text("name: baseline\n")
    (folder / SPLIT).write_text("person,fold\n")
    for fold in range(folds):
        weights_path(folder, fold).parent.mkdir()
        weights_path(folder, fold).write_bytes(b"weights")
