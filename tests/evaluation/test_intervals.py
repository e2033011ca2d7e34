from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.errors import DataError
from maskwise.evaluation.intervals import person_counts, resample_people, scored
from maskwise.score import Score


def test_person_counts_by_hand() -> None:
    person_N = np.array(["b", "a", "b"], object)
    cell_NT = np.array([[0, 3], [1, 3], [0, 4]])
    # People in sorted order: a has one photo (cells 1 and 3), b has two (cells 0 twice, 3 and 4).
    assert person_counts(person_N, cell_NT, 5).tolist() == [[0, 1, 0, 1, 0], [2, 0, 0, 1, 1]]


def test_a_resample_draws_as_many_people_as_there_are() -> None:
    counts_PK = np.eye(6)
    drawn_RK = resample_people(counts_PK, np.random.default_rng(0), 300)
    assert drawn_RK.shape == (300, 6)
    np.testing.assert_array_equal(drawn_RK.sum(axis=1), 6)


def test_draws_have_the_mean_and_variance_of_a_multinomial() -> None:
    n_people, resamples = 10, 20_000
    drawn_RK = resample_people(np.eye(n_people), np.random.default_rng(1), resamples)
    # Multinomial with P trials and chances 1/P: mean 1, variance 1 - 1/P, covariance -1/P.
    covariance_KK = np.cov(drawn_RK.T)
    np.testing.assert_allclose(drawn_RK.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(np.diag(covariance_KK), 1 - 1 / n_people, atol=0.05)
    np.testing.assert_allclose(covariance_KK[0, 1:], -1 / n_people, atol=0.04)


def test_the_same_generator_gives_the_same_draws_however_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    counts_PK = np.random.default_rng(2).integers(0, 3, (37, 5)).astype(np.float32)
    whole = resample_people(counts_PK, np.random.default_rng(3), 50)
    monkeypatch.setattr("maskwise.evaluation.intervals._WEIGHTS_A_CHUNK", 37 * 7)
    np.testing.assert_array_equal(resample_people(counts_PK, np.random.default_rng(3), 50), whole)
    assert not np.array_equal(resample_people(counts_PK, np.random.default_rng(4), 50), whole)


def test_counts_are_float64_where_float32_might_round(monkeypatch: pytest.MonkeyPatch) -> None:
    person_N = np.array(["a", "a", "b"], object)
    cell_NT = np.zeros((3, 1), np.int64)
    # Two people with at most two photos each: no resample holds more than four.
    monkeypatch.setattr("maskwise.evaluation.intervals._EXACT_IN_FLOAT32", 5)
    assert person_counts(person_N, cell_NT, 1).dtype == np.float32
    monkeypatch.setattr("maskwise.evaluation.intervals._EXACT_IN_FLOAT32", 4)
    assert person_counts(person_N, cell_NT, 1).dtype == np.float64


def test_scored_takes_the_central_95_percent_and_leaves_nan_out() -> None:
    values_R = np.append(np.arange(1001.0), np.nan)
    assert scored(500.0, values_R, n_people=9) == Score(500.0, 25.0, 975.0)


def test_one_person_or_no_usable_resample_has_no_interval() -> None:
    for score in (scored(0.5, np.array([0.5, 0.5]), n_people=1), scored(0.5, np.full(3, np.nan), n_people=9)):
        assert score.value == 0.5
        assert np.isnan(score.low)
        assert np.isnan(score.high)


def test_no_resamples_are_refused() -> None:
    with pytest.raises(DataError, match="resamples must be at least 1, got 0"):
        resample_people(np.eye(2), np.random.default_rng(0), 0)


def interval_of_the_mean(right_PM: NDArray[np.bool_], rng: np.random.Generator, resamples: int) -> Score:
    """Share of right photos of P people with M photos each, with its interval by person."""
    n_people, photos_each = right_PM.shape
    person_N = np.repeat(np.array([f"{k:04d}" for k in range(n_people)], object), photos_each)
    counts_PK = person_counts(person_N, right_PM.reshape(-1, 1).astype(np.int64), 2)
    drawn_RK = resample_people(counts_PK, rng, resamples)
    return scored(float(right_PM.mean()), drawn_RK[:, 1] / drawn_RK.sum(axis=1), n_people)


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(5)
    hits, trials = 0, 300
    for _ in range(trials):
        # Each person has an own chance of being read rightly, so photos of one person go together; mean 3/4.
        chance_P = rng.beta(3, 1, size=80)
        score = interval_of_the_mean(rng.random((80, 7)) < chance_P[:, None], rng, resamples=300)
        hits += score.low <= 0.75 <= score.high
    assert 0.90 <= hits / trials <= 0.985


def test_photos_that_go_together_widen_the_interval_by_the_root_of_their_number() -> None:
    rng = np.random.default_rng(6)
    right_P = rng.random(400) < 0.7
    together_PM = np.repeat(right_P[:, None], 7, axis=1)
    by_person = interval_of_the_mean(together_PM, rng, 2000)
    by_photo = interval_of_the_mean(together_PM.reshape(-1, 1), rng, 2000)
    ratio = (by_person.high - by_person.low) / (by_photo.high - by_photo.low)
    assert ratio == pytest.approx(np.sqrt(7), rel=0.1)


def test_the_interval_agrees_with_the_normal_one_for_one_photo_each() -> None:
    rng = np.random.default_rng(7)
    right_PM = rng.random((1500, 1)) < 0.6
    score = interval_of_the_mean(right_PM, rng, 4000)
    half_width = 1.96 * right_PM.std() / np.sqrt(1500)
    assert score.high - score.low == pytest.approx(2 * half_width, rel=0.06)
