"""Prediction: batches, views and models in the right mode."""

from __future__ import annotations

import numpy as np
import torch

from maskwise.records import Image, Ints
from maskwise.training.inference import predict_table
from support.fits import SPEC, tiny_model, tiny_photos

CPU = torch.device("cpu")
_, PIXELS = tiny_photos(23, np.random.default_rng(0))


def read(index: Ints) -> Image:
    return PIXELS[index]


def test_the_batch_size_changes_nothing_and_dropout_is_off() -> None:
    model = tiny_model().train()
    once = predict_table(model, read, 23, SPEC, ("as_is",), CPU, batch_size=23)
    assert np.allclose(once, predict_table(model, read, 23, SPEC, ("as_is",), CPU, batch_size=5), atol=1e-6)
    assert once.shape == (23, 3)
    assert np.allclose(once.sum(axis=1), 1, atol=1e-6)


def test_flip_averaging_is_the_mean_of_both_views_by_hand() -> None:
    model = tiny_model()
    as_is = predict_table(model, read, 23, SPEC, ("as_is",), CPU)
    mirrored = predict_table(model, lambda index: PIXELS[index][:, :, ::-1].copy(), 23, SPEC, ("as_is",), CPU)
    both = predict_table(model, read, 23, SPEC, ("as_is", "mirrored"), CPU)
    assert np.allclose(both, (as_is + mirrored) / 2, atol=1e-6)
    assert not np.allclose(as_is, mirrored, atol=1e-4)


def test_no_photos_give_no_rows() -> None:
    assert len(predict_table(tiny_model(), read, 0, SPEC, ("as_is",), CPU)) == 0
