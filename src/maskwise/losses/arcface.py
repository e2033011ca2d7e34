"""ArcFace: the true class must win by an angle."""

from __future__ import annotations

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import at_least_float32, cross_entropy

_SMALLEST_SINE_SQUARED = 1e-6
"""sin θ has no finite slope where the photo lies on its class vector; within 0.001 radian of it, it counts as flat."""


def arcface(
    logits_NC: Tensor, target_NC: Tensor, *, margin: float, scale: float, class_weight_C: Tensor | None = None
) -> Tensor:
    """Cross-entropy of each photo with scale · cos(θ + t · margin) in place of the logit scale · cos θ.

    Deng et al. 2019, arXiv 1801.07698, equation 3, with target rows t that are probabilities: a class gets its share of
    the margin (radians), so a one-hot row gives the paper's loss. ``logits_NC`` come from a cosine head of that
    ``scale``. Where θ + t · margin would pass π, the logit keeps the penalty that it has there (1 − cos(t · margin)):
    it goes on falling with θ, without a jump. Returns N values in float32 (float64 for float64 logits), finite at any
    finite logits.
    """
    logits_NC = at_least_float32(logits_NC)
    angle_NC = target_NC.to(logits_NC) * margin
    penalty_NC = angular_penalty(logits_NC / scale, angle_NC)
    return cross_entropy(logits_NC - scale * penalty_NC, target_NC, class_weight_C=class_weight_C)


def angular_penalty(cosine: Tensor, angle: Tensor) -> Tensor:
    """cos θ − cos(θ + angle) for θ from 0 to π − angle, constant beyond; 0 where the angle is 0."""
    cosine = cosine.clamp(-1, 1)
    sine = (1 - cosine.square()).clamp_min(_SMALLEST_SINE_SQUARED).sqrt()
    turned = cosine * torch.cos(angle) - sine * torch.sin(angle)
    largest = 1 - torch.cos(angle)
    return torch.where(cosine > -torch.cos(angle), cosine - turned, largest)
