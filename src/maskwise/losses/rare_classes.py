"""Losses that read the class counts: margins for rare classes (LDAM) and a softmax that knows the shares."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from maskwise.losses.class_weights import WeightPerClass, counts_without_gaps
from maskwise.losses.cross_entropy import at_least_float32, cross_entropy
from maskwise.records import Ints


def ldam(logits_NC: Tensor, target_NC: Tensor, *, margin_C: Tensor, class_weight_C: Tensor | None = None) -> Tensor:
    """Cross-entropy of each photo on logits − t · margin, with ``margin_C`` in units of the logits.

    Cao et al. 2019, arXiv 1906.07413, with target rows t that are probabilities: a class gets its share of
    its margin. Returns N values in float32 (float64 for float64 logits), finite at any finite logits.
    """
    logits_NC = at_least_float32(logits_NC)
    lowered_NC = logits_NC - target_NC.to(logits_NC) * margin_C.to(logits_NC, non_blocking=True)
    return cross_entropy(lowered_NC, target_NC, class_weight_C=class_weight_C)


def ldam_margins(count_C: Ints, max_margin: float) -> WeightPerClass:
    """Δ_c ∝ 1 / n_c^¼ with the rarest class at ``max_margin``; a class without photos gets that too."""
    raw_C = counts_without_gaps(count_C) ** -0.25
    margin_C: WeightPerClass = max_margin * raw_C / raw_C.max()
    return margin_C


def balanced_softmax(logits_NC: Tensor, target_NC: Tensor, *, log_prior_C: Tensor) -> Tensor:
    """Cross-entropy of each photo on logits + ``log_prior_C`` (tau · log of each class's share).

    Ren et al. 2020, arXiv 2007.10740 (tau 1); Menon et al. 2021, arXiv 2007.07314 ("logit-adjusted loss"). The bare
    logits come to suit even shares, and they are what predictions use. Returns N values in float32 (float64 for float64
    logits), finite at any finite logits.
    """
    logits_NC = at_least_float32(logits_NC)
    return cross_entropy(logits_NC + log_prior_C.to(logits_NC, non_blocking=True), target_NC)


def log_prior(count_C: Ints, tau: float) -> WeightPerClass:
    """tau · log(n_c / N); a class without photos counts as the rarest class that has some."""
    filled_C = counts_without_gaps(count_C)
    log_prior_C: WeightPerClass = tau * np.log(filled_C / filled_C.sum())
    return log_prior_C
