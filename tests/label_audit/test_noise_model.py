"""Odds of wrong labels: by hand, against scikit-learn, and on labels that were spoiled on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from maskwise.label_audit.noise_model import EXPECTED_SHARE, ages, any_wrong, two_classes
from maskwise.records import Floats, Ints


def spoiled_genders(people: int, flipped: int, rng: np.random.Generator) -> tuple[Ints, Floats, Ints]:
    """Labels of which the first ``flipped`` are wrong, readings that err now and then, and the truth."""
    truth_P = rng.integers(0, 2, people)
    evidence_PF = np.where(truth_P == 1, 1.0, -1.0)[:, None] * 3.0 + rng.normal(0, 1.5, (people, 2))
    label_P = truth_P.copy()
    label_P[:flipped] = 1 - label_P[:flipped]
    return label_P, evidence_PF, truth_P


def spoiled_ages(people: int, moved: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Labels of which the first ``moved`` are 30 years off, and readings that err by 6 years."""
    truth_P = rng.integers(20, 71, people)
    evidence_PF = np.column_stack([truth_P + rng.normal(0, 6, people), truth_P + rng.normal(0, 8, people)])
    label_P = truth_P.copy()
    label_P[:moved] = np.where(label_P[:moved] >= 45, label_P[:moved] - 30, label_P[:moved] + 30)
    return label_P, evidence_PF


def test_odds_that_exclude_each_other_add_up() -> None:
    log_odds_PK = np.array([[0.0, 0.0], [-np.inf, -np.inf], [np.log(3.0), -np.inf]])
    np.testing.assert_allclose(any_wrong(log_odds_PK), [2 / 3, 0.0, 0.75])


def test_the_odds_are_the_share_against_the_reading() -> None:
    label_P, evidence_PF, _ = spoiled_genders(200, 4, np.random.default_rng(0))
    fit = two_classes(label_P, evidence_PF)
    by_hand_P = logit(fit.share) - np.where(label_P == 1, 1, -1) * fit.predicted_P
    np.testing.assert_allclose(fit.log_odds_P, by_hand_P)
    assert EXPECTED_SHARE / 3 < fit.share < 3 * EXPECTED_SHARE


def test_without_wrong_labels_it_is_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    evidence_PF = rng.normal(0, 1, (4000, 2))
    label_P = (rng.random(4000) < expit(0.7 * evidence_PF[:, 0] + 0.4 * evidence_PF[:, 1] - 0.3)).astype(np.int64)
    theirs = LogisticRegression(C=np.inf).fit(evidence_PF, label_P)
    ours_P = two_classes(label_P, evidence_PF).predicted_P
    difference_P = ours_P - theirs.decision_function(evidence_PF)
    # A share of wrong labels is part of our model, so it believes the readings a little more.
    assert np.abs(difference_P).max() < 0.15


def test_flipped_labels_lead_the_list_and_both_classes_are_treated_alike() -> None:
    label_P, evidence_PF, _ = spoiled_genders(600, 6, np.random.default_rng(2))
    fit = two_classes(label_P, evidence_PF)
    assert len({*np.argsort(-fit.log_odds_P)[:6].tolist()} & {*range(6)}) >= 5
    mirrored = two_classes(1 - label_P, -evidence_PF)
    np.testing.assert_allclose(mirrored.log_odds_P, fit.log_odds_P, atol=1e-3)


def test_a_rare_class_does_not_fill_the_top() -> None:
    """Readings lean to the common class; that is no sign of wrong labels among the rare."""
    rng = np.random.default_rng(3)
    truth_P = (np.arange(800) < 60).astype(np.int64)
    evidence_PF = (np.where(truth_P == 1, 0.5, -4.0) + rng.normal(0, 1.2, 800))[:, None]
    label_P = truth_P.copy()
    wrong = [5, 6, 100, 200, 300, 400]
    label_P[wrong] = 1 - label_P[wrong]
    top = np.argsort(-two_classes(label_P, evidence_PF).log_odds_P)[:8].tolist()
    assert len({*top} & {100, 200, 300, 400}) >= 3


def test_ages_that_are_far_off_lead_the_list_and_near_ones_are_never_suspicious() -> None:
    label_P, evidence_PF = spoiled_ages(500, 6, np.random.default_rng(4))
    fit = ages(label_P, evidence_PF)
    assert len({*np.argsort(-fit.log_odds_P)[:6].tolist()} & {*range(6)}) >= 5
    near_P = np.abs(label_P - fit.predicted_P) < 5
    assert near_P.sum() > 200
    assert fit.log_odds_P[near_P].max() < -3
    right_P = slice(6, None)
    assert np.median(np.abs(label_P[right_P] - fit.predicted_P[right_P])) == pytest.approx(0.6745 * 4.8, rel=0.2)


def test_ages_in_other_units_of_reading_and_from_another_year_on_are_judged_alike() -> None:
    label_P, evidence_PF = spoiled_ages(300, 4, np.random.default_rng(5))
    fit = ages(label_P, evidence_PF)
    moved = ages(label_P + 10, 3.0 * evidence_PF - 7.0)
    np.testing.assert_allclose(moved.log_odds_P, fit.log_odds_P, atol=0.05)
    np.testing.assert_allclose(moved.predicted_P, fit.predicted_P + 10, atol=0.2)


def test_the_spread_follows_the_age_that_is_read() -> None:
    rng = np.random.default_rng(6)
    truth_P = rng.integers(20, 71, 2000)
    reading_P = truth_P + rng.normal(0, 1, 2000) * np.where(truth_P < 45, 3, 12)
    fit = ages(truth_P, reading_P[:, None])
    young, old = fit.spread_P[fit.predicted_P < 30].mean(), fit.spread_P[fit.predicted_P > 60].mean()
    assert young < 0.6 * old


@pytest.mark.parametrize("people", [1, 2, 5])
def test_a_handful_of_people_gives_finite_odds(people: int) -> None:
    rng = np.random.default_rng(7)
    evidence_PF = rng.normal(size=(people, 2))
    assert np.isfinite(two_classes(np.ones(people, dtype=np.int64), evidence_PF).log_odds_P).all()
    assert np.isfinite(ages(np.arange(20, 20 + people), evidence_PF).log_odds_P).all()
