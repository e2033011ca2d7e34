"""Photo losses averaged, losses added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

PhotoLoss = Callable[[Tensor, Tensor], Tensor]
"""``loss(logits_NC, target_NC) -> loss_N``"""


class Objective(Protocol):
    """What training minimizes: one number for a batch."""

    def __call__(
        self,
        logits_NC: Tensor,
        target_NC: Tensor,
        weight_N: Tensor | None = None,
        attribute_logits_NA: Tensor | None = None,
    ) -> Tensor:
        """The loss as a scalar tensor; ``weight_N`` says how much each photo counts, all alike if None.

        ``attribute_logits_NA`` are the logits of each attribute, side by side, of a model that has them.
        """


def mean_over_photos(
    logits_NC: Tensor,
    target_NC: Tensor,
    weight_N: Tensor | None = None,
    attribute_logits_NA: Tensor | None = None,  # noqa: ARG001 - the objectives share one signature
    *,
    loss: PhotoLoss,
) -> Tensor:
    """A photo loss as an objective: its weighted mean."""
    return weighted_mean(loss(logits_NC, target_NC), weight_N)


def weighted_mean(loss_N: Tensor, weight_N: Tensor | None) -> Tensor:
    """Σ w · loss / Σ w over the photos; the plain mean if ``weight_N`` is None, 0 if all weights are 0."""
    if weight_N is None:
        return loss_N.mean()
    weight_N = weight_N.to(loss_N)
    return (weight_N * loss_N).sum() / weight_N.sum().clamp_min(torch.finfo(loss_N.dtype).tiny)


def weighted_sum(
    logits_NC: Tensor,
    target_NC: Tensor,
    weight_N: Tensor | None = None,
    attribute_logits_NA: Tensor | None = None,
    *,
    terms: Sequence[tuple[float, Objective]],
) -> Tensor:
    """Σ weight · objective over ``terms``, one or more."""
    values = [weight * term(logits_NC, target_NC, weight_N, attribute_logits_NA) for weight, term in terms]
    return torch.stack(values).sum()
