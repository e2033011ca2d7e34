from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskwise.records import Floats, Predictions

MakeMember = Callable[..., Predictions]


def random_probs(shape: tuple[int, ...], seed: int = 0) -> Floats:
    """Random probabilities, float32, that sum to 1 over the last axis."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype(np.float32)


@pytest.fixture
def make_member() -> MakeMember:
    """Held-out predictions of the same people by one model; ``skill`` is added to the true class's logit."""

    def make(
        seed: int, skill: float = 1.0, n_people: int = 30, photos_each: int = 3, n_classes: int = 6, **changes: Any
    ) -> Predictions:
        n_photos = n_people * photos_each
        class_N = np.random.default_rng(99).integers(0, n_classes, n_photos)
        logits_NC = np.random.default_rng(seed).normal(size=(n_photos, n_classes))
        logits_NC[np.arange(n_photos), class_N] += skill
        probs_NC = np.exp(logits_NC)
        probs_NC /= probs_NC.sum(axis=1, keepdims=True)
        columns: dict[str, Any] = {
            "photo_N": np.array([f"images/{k:05d}.jpg" for k in range(n_photos)], object),
            "person_N": np.array([f"person {k // photos_each:04d}" for k in range(n_photos)], object),
            "class_N": class_N,
            "probs_NC": probs_NC.astype(np.float32),
            "seen_N": np.full(n_photos, "held_out", object),
        }
        return Predictions(**{**columns, **changes})

    return make
