"""One number that makes probabilities as confident as they should be: temperature scaling.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017, arXiv 1706.04599.
Dividing logits by T is raising probabilities to 1/T and scaling rows to sum 1, so probabilities are all that is needed,
and the most probable joint class stays what it was.
"""

from __future__ import annotations

import math

import numpy as np

from maskwise.evaluation.metrics import log_loss
from maskwise.records import Floats, Predictions

_LEAST_PROBABILITY = 1e-12
_RANGE = (0.05, 20.0)
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 60


def fit_temperature(predictions: Predictions) -> float:
    """The T that gives held-out people the lowest log loss, from 0.05 to 20; above 1 the model was too confident.

    The log loss is convex in 1/T, so a golden-section search over 1/T finds the lowest value there is. ``DataError``
    unless all photos are held out.
    """
    predictions.require_held_out("a temperature")
    low, high = 1 / _RANGE[1], 1 / _RANGE[0]

    def loss(sharpness: float) -> float:
        return log_loss(predictions.class_N, with_temperature(predictions.probs_NC, 1 / sharpness))

    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return 2 / (low + high)


def with_temperature(probs_NC: Floats, temperature: float) -> Floats:
    """``probs_NC`` to the power of 1/T, rows scaled to sum 1; float64. T = 1 changes nothing."""
    log_NC = np.log(np.maximum(probs_NC, _LEAST_PROBABILITY, dtype=np.float64)) / temperature
    sharp_NC = np.exp(log_NC - log_NC.max(axis=1, keepdims=True))
    return np.asarray(sharp_NC / sharp_NC.sum(axis=1, keepdims=True))
