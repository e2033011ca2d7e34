"""Cross-entropy with probabilities as targets."""

from __future__ import annotations

import torch
from torch import Tensor


def cross_entropy(logits_NC: Tensor, target_NC: Tensor, *, class_weight_C: Tensor | None = None) -> Tensor:
    """Loss of each photo: −Σ_c w_c · t_c · log p_c with p = softmax(logits).

    ``target_NC`` rows are probabilities; ``class_weight_C`` is 1 for every class if None. Returns N values in float32
    (float64 for float64 logits), finite at any finite logits. With one-hot rows and w = 1 this is −log p of the class.
    """
    log_probs_NC = log_softmax(logits_NC)
    target_NC = target_NC.to(log_probs_NC.dtype)
    return -(weighted(target_NC, class_weight_C) * log_probs_NC).sum(dim=1)


def log_softmax(logits_NC: Tensor) -> Tensor:
    """log p in float32 at least: half precision would round small losses away."""
    return torch.log_softmax(at_least_float32(logits_NC), dim=1)


def at_least_float32(values: Tensor) -> Tensor:
    """``values`` in float32, or as they are in float64."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def weighted(target_NC: Tensor, class_weight_C: Tensor | None) -> Tensor:
    """Each column of the targets times its class's weight."""
    return target_NC if class_weight_C is None else target_NC * class_weight_C.to(target_NC, non_blocking=True)
