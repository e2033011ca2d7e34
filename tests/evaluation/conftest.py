from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from maskwise.labels import Task
from maskwise.records import Predictions

MakePredictions = Callable[..., Predictions]


@pytest.fixture
def make_predictions() -> MakePredictions:
    """Random predictions of ``n_people`` with ``photos_each``: right about half of the time."""

    def make(n_people: int, photos_each: int = 1, seed: int = 0, task: Task | None = None) -> Predictions:
        rng = np.random.default_rng(seed)
        n_classes = (task or Task()).n_classes
        n_photos = n_people * photos_each
        class_N = rng.integers(0, n_classes, n_photos)
        logits_NC = rng.normal(size=(n_photos, n_classes))
        logits_NC[np.arange(n_photos), class_N] += 2.0
        probs_NC = np.exp(logits_NC)
        probs_NC /= probs_NC.sum(axis=1, keepdims=True)
        return Predictions(
            photo_N=np.array([f"images/{k:05d}.jpg" for k in range(n_photos)], object),
            person_N=np.array([f"person {k // photos_each:04d}" for k in range(n_photos)], object),
            class_N=class_N,
            probs_NC=probs_NC.astype(np.float32),
            seen_N=np.full(n_photos, "held_out", object),
        )

    return make
