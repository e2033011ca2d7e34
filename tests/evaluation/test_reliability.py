from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from maskwise.errors import DataError
from maskwise.evaluation.groups import JOINT
from maskwise.evaluation.reliability import BINS, calibration, calibration_error, cross_fit_temperature, reliability
from maskwise.evaluation.temperature import with_temperature
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.seeds import rng_for

MASK = Task(attributes=("mask",))


def honest(n: int, seed: int, temperature: float = 1.0) -> Predictions:
    """Photos whose classes are drawn from the probabilities, which are then sharpened or softened."""
    rng = np.random.default_rng(seed)
    probs_NC = rng.dirichlet((1.0, 1.0, 1.0), n)
    class_N = (probs_NC.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)
    return Predictions(
        photo_N=np.array([f"{k:05d}.jpg" for k in range(n)], object),
        person_N=np.array([f"p{k // 2:05d}" for k in range(n)], object),
        class_N=class_N.astype(np.int64),
        probs_NC=with_temperature(probs_NC, 1 / temperature),
        seen_N=np.full(n, "held_out", object),
    )


def test_the_error_by_hand() -> None:
    # Bins of a half: {0.5, 0.2} is right once in two, 0.7 in the mean off by 0.15; {0.9, 0.7} is never right.
    hit_N, sure_N = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.2, 0.9, 0.7])
    assert calibration_error(hit_N, sure_N, bins=2) == pytest.approx((2 * 0.15 + 2 * 0.8) / 4)
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0)))


def test_bins_are_those_of_scikit_learn() -> None:
    predictions = honest(2000, 0)
    found = reliability(predictions, MASK, rng_for(0, "test"))[0]
    sure_N = predictions.probs_NC.max(axis=1)
    hit_N = predictions.probs_NC.argmax(axis=1) == predictions.class_N
    right, sure = calibration_curve(hit_N, sure_N, n_bins=BINS)
    assert [each.accuracy.value for each in found.bins] == pytest.approx(right.tolist())
    assert [each.confidence for each in found.bins] == pytest.approx(sure.tolist())
    assert sum(each.photos for each in found.bins) == 2000
    weights = np.array([each.photos for each in found.bins]) / 2000
    assert found.error == pytest.approx(float(np.sum(weights * np.abs(right - sure))))


def test_a_temperature_of_other_people_lowers_what_is_too_confident() -> None:
    found = calibration(honest(3000, 1, temperature=3.0), MASK, rng_for(0, "test"))
    assert found.temperature == pytest.approx(3.0, rel=0.15)
    assert found.plain[0].name == JOINT
    assert found.plain[0].error > 0.15
    assert found.tempered[0].error < 0.04


def test_nobody_helps_to_fit_their_own_temperature() -> None:
    predictions = honest(60, 2)
    before = cross_fit_temperature(predictions, rng_for(0, "test"))
    changed = predictions.probs_NC.copy()
    first = predictions.person_N == predictions.person_N[0]
    wrong = (predictions.class_N[first] + 1) % 3
    changed[first] = 0.001
    changed[np.flatnonzero(first), wrong] = 0.998
    after = cross_fit_temperature(dataclasses.replace(predictions, probs_NC=changed), rng_for(0, "test"))
    same = np.isclose(before, after).all(axis=1)
    part = ~same & ~first  # photos whose temperature this person helped to fit
    assert part.sum() >= 30
    assert (same & ~first).sum() >= 8  # those of the person's own fifth are as before


def test_few_people_get_no_temperature_and_what_is_not_held_out_is_refused() -> None:
    few = calibration(honest(8, 3), MASK, rng_for(0, "test"))
    assert few.temperature is None
    assert few.tempered == ()
    seen = dataclasses.replace(honest(20, 3), seen_N=np.full(20, "trained_on", object))
    with pytest.raises(DataError, match="held out"):
        calibration(seen, MASK, rng_for(0, "test"))
