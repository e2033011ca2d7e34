"""How likely each person's label is wrong, as odds: one scale for genders, ages and swapped photos.

Labels are taken for the truth, spoiled for a share of the people that is expected at one in a hundred. Predictions and
share are fitted together, so a label counts as wrong where the prediction for *this* person contradicts it more than
predictions err anyway. That keeps hard faces, ages near a border and rare classes from filling the top.

P people, F features. Odds are natural logarithms; minus infinity stands where nothing can be said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, log_expit, logit

from maskwise.records import Floats, Ints

EXPECTED_SHARE = 0.01
"""The share of wrong labels of a kind that is expected before anything is seen …"""
EXPECTATION_WEIGHT = 10_000.0
"""… with the weight of so many people: what a plain model errs on must not pass for wrong labels."""
_WEIGHT_SPREAD = 0.5
"""How far the weight of a feature may be from what is expected (standard deviation)."""
_TAIL = 6.0
"""Degrees of freedom of Student's t for predicted ages: some are far off though the label is right."""
_LABEL_BANDWIDTH_YEARS = 4.0
_LOWEST_SPREAD_YEARS = 1.0


class NoiseFit(NamedTuple):
    """What the labels of P people were found to be worth."""

    log_odds_P: Floats
    """Wrong against right, given label and predictions."""
    share: float
    """The estimated share of wrong labels."""
    predicted_P: Floats
    """What is predicted: the log-odds of the label's two classes, or the age in years."""
    spread_P: Floats
    """How far the truth is from a predicted age (years; the scale of a t distribution); zeros for classes."""


def two_classes(label_P: Ints, evidence_PF: Floats, *, intercept: bool = True) -> NoiseFit:
    """Labels 0 or 1 against log-odds of class 1, one column a group of photos.

    Logistic regression with flipped labels (Bootkrajang and Kabán 2012, section 2.2, with one flip rate for both
    classes): ``P(label 1) = (1 - e) s + e (1 - s)``, ``s = expit(w x + b)``. The weights of the F columns are expected
    at 1 / F, that is where the models' probabilities are true and say the same thing F times. Without ``intercept``,
    both classes are alike by construction.
    """
    sign_P = np.where(label_P == 1, 1.0, -1.0)
    features = evidence_PF.shape[1]
    design_PG = np.column_stack([evidence_PF, np.ones(len(sign_P))])
    expected_G = np.append(np.full(features, 1.0 / features), 0.0)
    # Without an intercept its place is held at zero by a narrow expectation.
    width_G = np.append(np.full(features, _WEIGHT_SPREAD), 1.0 if intercept else 1e-6)

    def cost(values: Floats) -> float:
        weight_G, share = values[:-1], expit(values[-1])
        margin_P = sign_P * (design_PG @ weight_G)
        fits_P = np.logaddexp(np.log1p(-share) + log_expit(margin_P), np.log(share) + log_expit(-margin_P))
        far = 0.5 * np.sum(((weight_G - expected_G) / width_G) ** 2)
        return float(far - fits_P.sum() + _surprise(share))

    found = _minimum(cost, np.append(expected_G, logit(EXPECTED_SHARE)))
    predicted_P = design_PG @ found[:-1]
    return NoiseFit(found[-1] - sign_P * predicted_P, float(expit(found[-1])), predicted_P, np.zeros(len(sign_P)))


def ages(label_years_P: Ints, evidence_PF: Floats) -> NoiseFit:
    """Ages in years against predictions of an age, one column per kind.

    A right label lies around a linear prediction with Student's t, whose spread may change with the predicted age; a
    wrong one is anybody's age. So a label near the prediction is never suspicious, and one that is ten years off only
    where predictions are sharper than that.
    """
    label_P = label_years_P.astype(np.float64)
    design_PG = np.column_stack([_standard(evidence_PF), np.ones(len(label_P))])
    first_G = np.linalg.lstsq(design_PG, label_P, rcond=None)[0]
    place_P = _standard((design_PG @ first_G)[:, None])[:, 0]
    shape_P3 = np.column_stack([np.ones(len(place_P)), place_P, place_P**2])
    anybody_P = _log_density_of_labels(label_P)
    columns = len(first_G)

    def parts(values: Floats) -> tuple[Floats, Floats, float]:
        spread_P = _LOWEST_SPREAD_YEARS + np.exp(np.clip(shape_P3 @ values[columns : columns + 3], -5.0, 5.0))
        return design_PG @ values[:columns], spread_P, float(values[-1])

    def cost(values: Floats) -> float:
        predicted_P, spread_P, odds = parts(values)
        right_P = log_expit(-odds) + _log_t(label_P - predicted_P, spread_P)
        fits_P = np.logaddexp(right_P, log_expit(odds) + anybody_P)
        bend = 0.5 * np.sum((values[columns + 1 : columns + 3] / _WEIGHT_SPREAD) ** 2)
        slope = 0.5 * np.sum(((values[: columns - 1] - first_G[:-1]) / 10.0) ** 2)
        return float(bend + slope - fits_P.sum() + _surprise(expit(odds)))

    begin = np.concatenate([first_G, [np.log(8.0), 0.0, 0.0], [logit(EXPECTED_SHARE)]])
    predicted_P, spread_P, odds = parts(_minimum(cost, begin))
    log_odds_P = odds + anybody_P - _log_t(label_P - predicted_P, spread_P)
    return NoiseFit(log_odds_P, float(expit(odds)), predicted_P, spread_P)


def any_wrong(log_odds_PK: Floats) -> Floats:
    """The probability that one of K labels of a person is wrong: odds of kinds that exclude each other add up."""
    return np.asarray(expit(np.logaddexp.reduce(log_odds_PK, axis=1)))


def _surprise(share: Any) -> float:
    """Minus the logarithm of the Beta density that is expected of the share, without its constant."""
    return float(-EXPECTATION_WEIGHT * (EXPECTED_SHARE * np.log(share) + (1.0 - EXPECTED_SHARE) * np.log1p(-share)))


def _minimum(cost: Any, begin: Floats) -> Floats:
    return np.asarray(minimize(cost, begin, method="L-BFGS-B").x, dtype=np.float64)


def _log_t(off_P: Floats, spread_P: Floats) -> Floats:
    """Log-density of Student's t with ``_TAIL`` degrees of freedom, scaled."""
    constant = gammaln((_TAIL + 1) / 2) - gammaln(_TAIL / 2) - 0.5 * np.log(_TAIL * np.pi)
    return np.asarray(constant - np.log(spread_P) - (_TAIL + 1) / 2 * np.log1p((off_P / spread_P) ** 2 / _TAIL))


def _log_density_of_labels(label_P: Floats) -> Floats:
    """How common each person's age is among all labels, smoothed by a Gaussian (per year)."""
    years_Y, count_Y = np.unique(label_P, return_counts=True)
    distance_PY = (label_P[:, None] - years_Y) / _LABEL_BANDWIDTH_YEARS
    kernel_PY = np.exp(-0.5 * distance_PY**2) / (_LABEL_BANDWIDTH_YEARS * np.sqrt(2 * np.pi))
    return np.asarray(np.log(kernel_PY @ count_Y / count_Y.sum()))


def _standard(values_PF: Floats) -> Floats:
    """Columns of mean 0 and standard deviation 1; a constant column becomes zeros."""
    spread_F = values_PF.std(axis=0)
    return np.asarray((values_PF - values_PF.mean(axis=0)) / np.where(spread_F > 0, spread_F, 1.0))
