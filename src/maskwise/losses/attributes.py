"""A cross-entropy for each attribute of the joint classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax


def attributes_cross_entropy(
    logits_NC: Tensor, target_NC: Tensor, *, sizes: Sequence[int], weights: Sequence[float]
) -> Tensor:
    """Loss of each photo: Σ_a w_a · CE of attribute a, whose target and probabilities are sums over the joint ones.

    ``sizes`` are the numbers of classes of each attribute, first attribute slowest; C is their product. Returns N
    values in float32 (float64 for float64 logits), finite at any finite logits. The log of a sum of probabilities is
    taken by logsumexp, so attributes that the model all but rules out keep a finite loss.
    """
    log_probs_NC = log_softmax(logits_NC)
    target_NC = target_NC.to(log_probs_NC.dtype)
    terms = []
    for position, weight in enumerate(weights):
        split = (math.prod(sizes[:position]), sizes[position], math.prod(sizes[position + 1 :]))
        log_probs_NA = torch.logsumexp(log_probs_NC.reshape(-1, *split), dim=(1, 3))
        target_NA = target_NC.reshape(-1, *split).sum(dim=(1, 3))
        terms.append(-weight * (target_NA * log_probs_NA).sum(dim=1))
    return torch.stack(terms).sum(dim=0)
