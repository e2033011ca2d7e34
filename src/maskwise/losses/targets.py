"""Target transforms: target rows → softer target rows. They still sum to 1, and never reach a score."""

from __future__ import annotations

from torch import Tensor


def label_smoothing(target_NC: Tensor, *, epsilon: float) -> Tensor:
    """(1 − ε) · t + ε / C: the true class of a one-hot row keeps 1 − ε + ε / C (Szegedy et al. 2016, section 7)."""
    return target_NC * (1 - epsilon) + epsilon / target_NC.shape[1]
