"""From the configs of losses, auxiliary terms and targets to functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, assert_never

import torch
from torch import Tensor

from maskwise.errors import must
from maskwise.labels import Attribute, Task
from maskwise.losses import class_weights, config
from maskwise.losses.age_distribution import age_distribution
from maskwise.losses.arcface import arcface
from maskwise.losses.attributes import marginals, per_attribute
from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.f1 import f1
from maskwise.losses.focal import focal
from maskwise.losses.rare_classes import balanced_softmax, ldam, ldam_margins, log_prior
from maskwise.losses.targets import (
    label_smoothing,
    regardless_of_age,
    shares_by_nearness,
    soft_age_border,
    soft_classes,
    steps_apart,
    steps_if_different,
)
from maskwise.losses.weighted_sum import Objective, PhotoLoss, mean_over_photos, weighted_sum
from maskwise.records import Floats, Ints, Output

TargetTransform = Callable[[Tensor, Tensor], Tensor]
"""``transform(target_NC, age_years_N) -> target_NC``"""
AuxiliaryTerm = Callable[[Output, Tensor], Tensor]
"""``term(output, age_years_N) -> loss_N``, its weight included"""

_Given = TypeVar("_Given")


@dataclass(frozen=True)
class LossInputs:
    """What a loss takes from the rest of the recipe and from the training photos."""

    count_C: Ints
    """Training photos of each joint class."""
    shown_C: Ints | Floats | None = None
    """Each joint class's part of what the sampler shows, in any unit; None: that of the photos. Class weights have the
    mean 1 over it."""
    task: Task | None = None
    """The attributes; losses of each attribute need it."""
    cosine_scale: float | None = None
    """The scale of the model's cosine head; arcface and ldam need it."""
    progress: float = 0.0
    """The share of the training that is over, 0 ≤ progress < 1; ldam changes its weights with it."""


def build_loss(loss: config.LossConfig, inputs: LossInputs) -> Objective:
    """The objective of a recipe in one epoch: ``objective(logits_NC, target_NC, weight_N=None) -> scalar``.

    The photos' weights reach every loss. Raises DataError if there is no training photo, ValueError if something
    needed is missing.
    """
    if not 0 <= inputs.progress < 1:
        raise ValueError(must("progress", "from 0 to below 1", inputs.progress, "Pass epoch / epochs."))
    match loss:
        case config.F1(classes=classes):
            return partial(f1, classes=classes)
        case config.WeightedSum(terms=terms):
            return partial(weighted_sum, terms=tuple((term.weight, build_loss(term.loss, inputs)) for term in terms))
        case config.AttributesCrossEntropy():
            return _build_per_attribute(loss, config.CrossEntropy(), inputs)
        case config.PerAttribute(loss=of_attribute):
            return _build_per_attribute(loss, of_attribute, inputs)
        case photo_loss:
            return partial(mean_over_photos, loss=_build_photo_loss(photo_loss, inputs))


def _build_photo_loss(loss: config.PhotoLossConfig, inputs: LossInputs) -> PhotoLoss:
    match loss:
        case config.CrossEntropy(class_weights=weights):
            return partial(cross_entropy, class_weight_C=build_class_weights(weights, inputs))
        case config.Focal(gamma=gamma, class_weights=weights):
            return partial(focal, gamma=gamma, class_weight_C=build_class_weights(weights, inputs))
        case config.ArcFace(margin=margin, class_weights=weights):
            scale = _given(inputs.cosine_scale, "cosine_scale", "arcface")
            return partial(arcface, margin=margin, scale=scale, class_weight_C=build_class_weights(weights, inputs))
        case config.Ldam():
            return _build_ldam(loss, inputs)
        case config.BalancedSoftmax(tau=tau):
            return partial(balanced_softmax, log_prior_C=torch.from_numpy(log_prior(inputs.count_C, tau)).float())
        case other:
            assert_never(other)


def _build_per_attribute(
    loss: config.AttributeLossConfig, of_attribute: config.SingleLoss, inputs: LossInputs
) -> Objective:
    """The loss of each attribute, built from the counts of the attribute's own classes."""
    task = _given(inputs.task, "task", loss.kind)
    weights = {"mask": loss.mask_weight, "gender": loss.gender_weight, "age": loss.age_weight}
    terms = []
    for position, attribute in enumerate(task.attributes):
        count_A, shown_A = (
            None if each_C is None else marginals(torch.from_numpy(each_C)[None], task.sizes, position)[0].numpy()
            for each_C in (inputs.count_C, inputs.shown_C)
        )
        own = replace(inputs, count_C=_given(count_A, "count_C", loss.kind), shown_C=shown_A, task=None)
        terms.append((weights[attribute], build_loss(of_attribute, own)))
    return partial(per_attribute, terms=tuple(terms), sizes=task.sizes)


def _build_ldam(loss: config.Ldam, inputs: LossInputs) -> PhotoLoss:
    """Margins from cosines to logits; weights only from ``reweight_from`` on (the paper's deferred re-weighting)."""
    scale = _given(inputs.cosine_scale, "cosine_scale", "ldam")
    margin_C = torch.from_numpy(scale * ldam_margins(inputs.count_C, loss.max_margin)).float()
    reweighted = loss.reweight_from is not None and inputs.progress >= loss.reweight_from
    weights = config.EffectiveNumber(beta=loss.reweight_beta) if reweighted else config.NoClassWeights()
    return partial(ldam, margin_C=margin_C, class_weight_C=build_class_weights(weights, inputs))


def _given(value: _Given | None, name: str, kind: str) -> _Given:
    if value is None:
        raise ValueError(must(name, f"given for {kind}", value, "Pass what the recipe says."))
    return value


def build_class_weights(weights: config.ClassWeights, inputs: LossInputs) -> Tensor | None:
    """Weight of each joint class (float32, mean 1 over what is shown); None where all are 1."""
    match weights:
        case config.NoClassWeights():
            return None
        case config.InverseShare():
            weight_C = class_weights.inverse_share(inputs.count_C)
        case config.EffectiveNumber(beta=beta):
            weight_C = class_weights.effective_number(inputs.count_C, beta)
        case config.SqrtInverseClipped(max_ratio=max_ratio):
            weight_C = class_weights.sqrt_inverse_clipped(inputs.count_C, max_ratio)
        case other:
            assert_never(other)
    shown_C = inputs.count_C if inputs.shown_C is None else inputs.shown_C
    return torch.from_numpy(class_weights.scaled(weight_C, shown_C)).float()


def build_auxiliary(auxiliary: config.AuxiliaryConfig, first_age_years: int) -> AuxiliaryTerm:
    """The auxiliary term ``term(output, age_years_N) -> loss_N``, already multiplied by its weight.

    ``first_age_years`` is the age of the first bin of the model's age head. ``age_years_N`` is negative where unknown.
    """
    match auxiliary:
        case config.AgeDistribution(weight=weight, spread_years=spread_years):
            return partial(age_distribution, first_age_years=first_age_years, spread_years=spread_years, weight=weight)
        case other:
            assert_never(other)


def build_target(target: config.TargetConfig, task: Task) -> TargetTransform:
    """The transform of target rows: ``transform(target_NC, age_years_N) -> target_NC``; C as in ``task``.

    ``age_years_N`` is negative where the age is unknown. soft_age_border needs a task with the age groups among its
    attributes: ValueError without.
    """
    match target:
        case config.LabelSmoothing(epsilon=epsilon):
            return partial(regardless_of_age, transform=partial(label_smoothing, epsilon=epsilon))
        case config.SoftClasses(temperature=temperature):
            share_CC = shares_by_nearness([_steps(task, attribute) for attribute in task.attributes], temperature)
            return partial(regardless_of_age, transform=partial(soft_classes, share_CC=share_CC))
        case config.SoftAgeBorder(margin_years=margin_years):
            return partial(
                soft_age_border,
                borders_years=task.train_age_borders_years or task.age_borders_years,
                margin_years=margin_years,
                sizes=task.sizes,
                age_position=task.attributes.index("age"),
            )
        case other:
            assert_never(other)


def _steps(task: Task, attribute: Attribute) -> Tensor:
    """Distances of one attribute's classes. Age groups have an order; mask status and gender have none."""
    size = len(task.classes(attribute))
    return steps_apart(size) if attribute == "age" else steps_if_different(size)
