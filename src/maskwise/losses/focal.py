"""Focal loss: cross-entropy that fades where the model is sure."""

from __future__ import annotations

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax, weighted

_SMALLEST_DOUBT = 1e-12
"""Below this 1 − p counts as constant: (1 − p)^gamma has no finite slope at 0 for gamma below 1."""


def focal(logits_NC: Tensor, target_NC: Tensor, *, gamma: float, class_weight_C: Tensor | None = None) -> Tensor:
    """Loss of each photo: −Σ_c w_c · t_c · (1 − p_c)^gamma · log p_c with p = softmax(logits).

    Lin et al. 2017, arXiv 1708.02002, equation 5, over the classes of a softmax and with target rows that are
    probabilities; w is the paper's α. Returns N values in float32 (float64 for float64 logits), finite at any finite
    logits; with gamma 0 it would be the cross-entropy.
    """
    log_probs_NC = log_softmax(logits_NC)
    # expm1 keeps the digits of 1 − p where p is nearly 1.
    doubt_NC = -torch.expm1(log_probs_NC)
    factor_NC = doubt_NC.clamp_min(_SMALLEST_DOUBT).pow(gamma)
    target_NC = target_NC.to(log_probs_NC.dtype)
    return -(weighted(target_NC, class_weight_C) * factor_NC * log_probs_NC).sum(dim=1)
