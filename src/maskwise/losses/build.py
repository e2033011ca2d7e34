"""From the configs of losses and targets to functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

import torch
from torch import Tensor

from maskwise.losses import class_weights, config
from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.f1 import f1
from maskwise.losses.focal import focal
from maskwise.losses.targets import label_smoothing
from maskwise.losses.weighted_sum import Objective, mean_over_photos, over_batch, weighted_sum
from maskwise.records import Ints

TargetTransform = Callable[[Tensor], Tensor]
"""``transform(target_NC) -> target_NC``"""


def build_loss(loss: config.LossConfig, count_C: Ints) -> Objective:
    """The objective of a recipe: ``objective(logits_NC, target_NC, weight_N=None) -> scalar``.

    ``count_C`` is the number of training photos of each joint class, for class weights. Photo losses are averaged with
    the photos' weights; batch losses (f1) ignore them. Raises DataError if there is no training photo.
    """
    match loss:
        case config.CrossEntropy(class_weights=weights):
            bound = partial(cross_entropy, class_weight_C=build_class_weights(weights, count_C))
            return partial(mean_over_photos, loss=bound)
        case config.Focal(gamma=gamma, class_weights=weights):
            class_weight_C = build_class_weights(weights, count_C)
            return partial(mean_over_photos, loss=partial(focal, gamma=gamma, class_weight_C=class_weight_C))
        case config.F1():
            return partial(over_batch, loss=f1)
        case config.WeightedSum(terms=terms):
            built = tuple((term.weight, build_loss(term.loss, count_C)) for term in terms)
            return partial(weighted_sum, terms=built)
        case other:
            assert_never(other)


def build_class_weights(weights: config.ClassWeights, count_C: Ints) -> Tensor | None:
    """Weight of each joint class (float32, mean 1 over the training photos); None where all are 1."""
    match weights:
        case config.NoClassWeights():
            return None
        case config.InverseShare():
            weight_C = class_weights.inverse_share(count_C)
        case config.EffectiveNumber(beta=beta):
            weight_C = class_weights.effective_number(count_C, beta)
        case config.SqrtInverseClipped(max_ratio=max_ratio):
            weight_C = class_weights.sqrt_inverse_clipped(count_C, max_ratio)
        case other:
            assert_never(other)
    return torch.from_numpy(weight_C).float()


def build_target(target: config.TargetConfig) -> TargetTransform:
    """The transform of target rows: ``transform(target_NC) -> target_NC``."""
    match target:
        case config.LabelSmoothing(epsilon=epsilon):
            return partial(label_smoothing, epsilon=epsilon)
        case other:
            assert_never(other)
