"""Soft F1: what the competition scores, made smooth. It only exists over a batch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax

AveragedClasses = Literal["all", "present"]


def f1(
    logits_NC: Tensor,
    target_NC: Tensor,
    weight_N: Tensor | None = None,
    attribute_logits_NA: Tensor | None = None,  # noqa: ARG001 - the objectives share one signature
    *,
    classes: AveragedClasses = "all",
) -> Tensor:
    """1 − macro F1 over the batch with p = softmax(logits) in place of decisions; one value from 0 to 1.

    Of class c: F1 = 2 · Σ_n w · p · t / (Σ_n w · p + Σ_n w · t), which is scikit-learn's F1 where p and t are one-hot
    and the photos' weights w are 1. A class that is absent from the targets has the F1 0 whatever the model says:
    ``all`` counts it so, as scikit-learn does with the labels of all classes; ``present`` leaves it out of the mean. In
    float32 (float64 for float64 logits).
    """
    probs_NC = log_softmax(logits_NC).exp()
    target_NC = target_NC.to(probs_NC.dtype)
    weight_N1 = torch.ones_like(probs_NC[:, :1]) if weight_N is None else weight_N.to(probs_NC)[:, None]
    both_C = (weight_N1 * probs_NC * target_NC).sum(dim=0)
    either_C = (weight_N1 * probs_NC).sum(dim=0) + (weight_N1 * target_NC).sum(dim=0)
    # An absent class without any mass would be 0 / 0.
    f1_C = 2 * both_C / torch.where(either_C > 0, either_C, 1)
    if classes == "all":
        return 1 - f1_C.mean()
    present_C = (present(target_NC) & (weight_N1 > 0)).any(dim=0).to(f1_C.dtype)
    return 1 - (f1_C * present_C).sum() / present_C.sum().clamp_min(1)


def present(target_NC: Tensor) -> Tensor:
    """N × C: whether a photo's target gives a class more than the row's smallest share.

    For one-hot rows: its class. Label smoothing lifts all classes of a row alike, so it makes no class present.
    """
    return target_NC > target_NC.amin(dim=1, keepdim=True)
