"""A loss for each attribute of the joint classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax
from maskwise.losses.weighted_sum import Objective


def per_attribute(
    logits_NC: Tensor,
    target_NC: Tensor,
    weight_N: Tensor | None = None,
    attribute_logits_NA: Tensor | None = None,
    *,
    terms: Sequence[tuple[float, Objective]],
    sizes: Sequence[int],
) -> Tensor:
    """Σ_a w_a · loss of attribute a, whose target is a sum over the joint ones.

    ``sizes`` are the numbers of classes of each attribute, first attribute slowest; C is their product. The logits of
    an attribute are the model's own where it has them, side by side in ``attribute_logits_NA``; else the logs of its
    marginal probabilities.
    """
    log_probs_NC = log_softmax(logits_NC)
    own = None if attribute_logits_NA is None else torch.split(attribute_logits_NA, list(sizes), dim=1)
    values = []
    for position, (weight, objective) in enumerate(terms):
        logits_NA = log_marginals(log_probs_NC, sizes, position) if own is None else own[position]
        values.append(weight * objective(logits_NA, marginals(target_NC, sizes, position), weight_N))
    return torch.stack(values).sum()


def log_marginals(log_probs_NC: Tensor, sizes: Sequence[int], position: int) -> Tensor:
    """Logs of an attribute's probabilities, by logsumexp: what the model all but rules out stays finite."""
    return torch.logsumexp(log_probs_NC.reshape(-1, *_around(sizes, position)), dim=(1, 3))


def marginals(target_NC: Tensor, sizes: Sequence[int], position: int) -> Tensor:
    """An attribute's part of rows over joint classes, N × its classes."""
    return target_NC.reshape(-1, *_around(sizes, position)).sum(dim=(1, 3))


def _around(sizes: Sequence[int], position: int) -> tuple[int, int, int]:
    return math.prod(sizes[:position]), sizes[position], math.prod(sizes[position + 1 :])
