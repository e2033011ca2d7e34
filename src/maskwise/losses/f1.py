"""Soft F1: what the competition scores, made smooth. It only exists over a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax


def f1(logits_NC: Tensor, target_NC: Tensor) -> Tensor:
    """1 − macro F1 over the batch with p = softmax(logits) in place of decisions; one value from 0 to 1.

    Of class c: F1 = 2 · Σ_n p · t / (Σ_n p + Σ_n t), which is scikit-learn's F1 where p and t are one-hot. Classes that
    are absent from the targets are left out of the mean: their F1 is 0 whatever the model says. In float32 (float64 for
    float64 logits).
    """
    probs_NC = log_softmax(logits_NC).exp()
    target_NC = target_NC.to(probs_NC.dtype)
    both_C = (probs_NC * target_NC).sum(dim=0)
    either_C = probs_NC.sum(dim=0) + target_NC.sum(dim=0)
    present_C = present(target_NC).to(probs_NC.dtype)
    # An absent class without any mass would be 0 / 0; its share in the mean is 0 anyway.
    f1_C = 2 * both_C / torch.where(either_C > 0, either_C, 1)
    return 1 - (f1_C * present_C).sum() / present_C.sum().clamp_min(1)


def present(target_NC: Tensor) -> Tensor:
    """For each class, whether some photo's target gives it more than that row's smallest share.

    For one-hot rows: whether it occurs. Label smoothing lifts all classes of a row alike, so it makes no class present.
    """
    return (target_NC > target_NC.amin(dim=1, keepdim=True)).any(dim=0)
