"""Ways to weigh members: ``fit(probs_RNC, target_N) -> weights_R``, not negative, sum 1."""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError
from maskwise.records import Floats, Ints

_LEAST_PROBABILITY = 1e-12
"""Stands for 0, whose logarithm no weight could offset. Far below what a member can know of a photo."""


def equal_weights(probs_RNC: Floats, _target_N: Ints) -> Floats:
    """1 / R for each of R members, whatever the truth."""
    return np.full(len(probs_RNC), 1 / len(probs_RNC))


def mixture_weights(
    probs_RNC: Floats, target_N: Ints, *, tolerance_nats: float = 1e-5, steps_at_most: int = 10_000
) -> Floats:
    """The weights whose weighted mean of probabilities has the lowest log loss on photos of class ``target_N``.

    Expectation maximization for the shares of a mixture of known parts: A. P. Dempster, N. M. Laird and D. B. Rubin,
    "Maximum likelihood from incomplete data via the EM algorithm", J. R. Stat. Soc. B 39 (1977) 1–38 (4.3), with the
    members as parts. One step multiplies each weight by g_r, the mean over photos of p_r / mixture at the true class;
    no step can raise the log loss, and weights stay on the simplex by themselves.

    The log likelihood L is concave in the weights, with gradient g and Σ_r w_r g_r = 1. So for the best weights w*
    L(w*) - L(w) ≤ g · (w* - w) ≤ max_r g_r - 1, and fitting stops when that bound is below ``tolerance_nats``.
    ``DataError`` for no photos, or a photo of unknown class.
    """
    _refuse_unlabeled(probs_RNC, target_N)
    n_members, n_photos, _ = probs_RNC.shape
    true_RN = probs_RNC[:, np.arange(n_photos), target_N].astype(np.float64)
    true_RN = np.maximum(true_RN, _LEAST_PROBABILITY)
    weights_R = np.full(n_members, 1 / n_members)
    for _ in range(steps_at_most):
        gain_R = (true_RN / (weights_R @ true_RN)).mean(axis=1)
        if gain_R.max() - 1 <= tolerance_nats:
            break
        weights_R = weights_R * gain_R
        weights_R /= weights_R.sum()  # 1 but for rounding
    return weights_R


def _refuse_unlabeled(probs_RNC: Floats, target_N: Ints) -> None:
    n_classes = probs_RNC.shape[2]
    unknown = int(np.sum((target_N < 0) | (target_N >= n_classes)))
    if not len(target_N) or unknown:
        got = f"{unknown} of {len(target_N)} without one" if len(target_N) else "no photos"
        raise DataError(
            f"photos for ensemble weights must be of a known class (0 to {n_classes - 1}), got {got}. "
            "Use held-out predictions."
        )
