"""One number that makes probabilities as sure as they should be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from maskwise.errors import DataError
from maskwise.evaluation.temperature import fit_temperature, with_temperature
from maskwise.records import Floats, Predictions


def held_out(logits_NC: Floats, class_N: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Predictions:
    n_photos = len(class_N)
    names = np.array([str(k) for k in range(n_photos)], object)
    seen_N = np.full(n_photos, "held_out", object)
    return Predictions(names, names, class_N, softmax(logits_NC, axis=1), seen_N)


def drawn(sharpness: float, n_photos: int = 4000) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Logits ``sharpness`` times too large, and classes drawn from the true ones."""
    rng = np.random.default_rng(5)
    logits_NC = rng.normal(size=(n_photos, 4)) * 2
    probs_NC = softmax(logits_NC, axis=1)
    class_N = (probs_NC.cumsum(axis=1) < rng.random((n_photos, 1))).sum(axis=1)
    return logits_NC * sharpness, class_N


def test_worked_by_hand() -> None:
    # Square roots of 0.64 and 0.36 are 0.8 and 0.6, of sum 1.4.
    np.testing.assert_allclose(with_temperature(np.array([[0.64, 0.36]]), 2), [[0.8 / 1.4, 0.6 / 1.4]])
    # Right in 3 of 4: the best probability for the favorite is 0.75, and odds of 9 to the 1/2 are 3, so T = 2.
    predictions = held_out(np.log(np.array([[0.9, 0.1]] * 4)), np.array([0, 0, 0, 1]))
    assert fit_temperature(predictions) == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("sharpness", [0.5, 1, 3])
def test_scipy_finds_the_same_and_the_truth_is_near(sharpness: float) -> None:
    logits_NC, class_N = drawn(sharpness)

    def loss(temperature: float) -> float:
        return float(-log_softmax(logits_NC / temperature, axis=1)[np.arange(len(class_N)), class_N].mean())

    reference = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-8}).x
    found = fit_temperature(held_out(logits_NC, class_N))
    assert found == pytest.approx(reference, rel=1e-4)
    assert found == pytest.approx(sharpness, rel=0.1)


def test_rows_sum_to_one_and_keep_their_order() -> None:
    logits_NC, _ = drawn(1, 50)
    probs_NC = softmax(logits_NC, axis=1)
    for temperature in (0.05, 0.5, 1, 20):
        scaled_NC = with_temperature(probs_NC, temperature)
        np.testing.assert_allclose(scaled_NC.sum(axis=1), 1)
        assert np.array_equal(scaled_NC.argmax(axis=1), probs_NC.argmax(axis=1))
    np.testing.assert_allclose(with_temperature(probs_NC, 1), probs_NC)


def test_people_who_were_trained_on_are_refused() -> None:
    predictions = held_out(*drawn(1, 10))
    with pytest.raises(DataError, match="held out"):
        fit_temperature(dataclasses.replace(predictions, seen_N=np.full(10, "trained_on", object)))


@given(
    probs=st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=8),
    temperature=st.floats(0.05, 20),
)
def test_no_temperature_changes_a_decision_or_the_order(probs: list[list[float]], temperature: float) -> None:
    probs_NC = np.array(probs, dtype=np.float32) + np.float32(1e-6)
    probs_NC /= probs_NC.sum(axis=1, keepdims=True)
    changed_NC = with_temperature(probs_NC, temperature)
    np.testing.assert_allclose(changed_NC.sum(axis=1), 1)
    for before_C, after_C in zip(probs_NC, changed_NC, strict=True):
        order = np.argsort(before_C, kind="stable")
        assert (np.diff(after_C[order]) >= 0).all()
