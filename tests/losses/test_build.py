"""The contract of every objective, and what building binds."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from maskwise.errors import DataError
from maskwise.labels import Task
from maskwise.losses import config
from maskwise.losses.build import (
    LossInputs,
    build_auxiliary,
    build_class_weights,
    build_loss,
    build_target,
)
from maskwise.losses.config import LossConfig
from maskwise.losses.weighted_sum import Objective
from maskwise.records import Output

C = 6
COUNT_C = np.array([30, 20, 10, 5, 1, 0])
TASK = Task(attributes=("gender", "age"))
SCALE = 30.0
"""Of the cosine head whose logits these would be."""

WEIGHTS: list[config.ClassWeights] = [
    config.NoClassWeights(),
    config.InverseShare(),
    config.EffectiveNumber(),
    config.SqrtInverseClipped(),
]
PHOTO_LOSSES: list[LossConfig] = [
    *(config.CrossEntropy(class_weights=weights) for weights in WEIGHTS),
    *(config.Focal(class_weights=weights) for weights in WEIGHTS),
    *(config.ArcFace(class_weights=weights) for weights in WEIGHTS),
    config.Ldam(reweight_from=None),
    config.Ldam(reweight_from=0.0),
    config.BalancedSoftmax(),
]
ARCFACE_SUM = config.WeightedSum(
    terms=(config.Term(weight=0.4, loss=config.F1()), config.Term(weight=0.6, loss=config.ArcFace()))
)
PER_ATTRIBUTE: list[LossConfig] = [
    config.AttributesCrossEntropy(age_weight=3.0),
    config.PerAttribute(age_weight=3.0),
    config.PerAttribute(loss=config.F1()),
    config.PerAttribute(loss=config.Focal(class_weights=config.InverseShare())),
    config.PerAttribute(loss=config.CrossEntropy(class_weights=config.EffectiveNumber())),
]
LOSSES: list[LossConfig] = [
    *PHOTO_LOSSES,
    *PER_ATTRIBUTE,
    config.F1(),
    config.F1(classes="present"),
    config.WeightedSum(),
    ARCFACE_SUM,
]
OF_ANGLES = {config.ArcFace(class_weights=weights) for weights in WEIGHTS} | {ARCFACE_SUM}
"""What a logit means to these is an angle, so they alone see a shift of all logits."""


def test_the_lists_above_are_whole() -> None:
    """A loss that stands in its unions is held to the contract below; the hand-kept lists only choose its settings."""
    union, _ = get_args(LossConfig)
    assert {type(loss) for loss in LOSSES} == set(get_args(union))
    assert {type(loss) for loss in PHOTO_LOSSES} == set(get_args(config.PhotoLossConfig))
    terms, _ = get_args(config.SingleLoss)
    assert set(get_args(terms)) == set(get_args(union)) - {config.WeightedSum}
    weights, _ = get_args(config.ClassWeights)
    assert {type(kind) for kind in WEIGHTS} == set(get_args(weights))


def built(loss: LossConfig) -> Objective:
    return build_loss(loss, LossInputs(COUNT_C, task=TASK, cosine_scale=SCALE))


def photos(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    target_NC = functional.one_hot(torch.from_numpy(rng.permutation(np.arange(12) % C)), C)
    return torch.from_numpy(rng.normal(size=(12, C))).to(dtype), target_NC.float()


def named(loss: LossConfig) -> str:
    return f"{loss.kind}-{loss.class_weights.kind}" if hasattr(loss, "class_weights") else loss.kind


@pytest.mark.parametrize("loss", LOSSES, ids=named)
class TestEveryObjective:
    def test_is_a_finite_float32_scalar_even_at_extreme_logits_in_half_precision(self, loss: LossConfig) -> None:
        objective = built(loss)
        for dtype in (torch.float16, torch.bfloat16, torch.float32):
            logits_NC, target_NC = photos(dtype)
            for scale in (1, 1e4):
                extreme_NC = (logits_NC.sign() * scale).requires_grad_()
                value = objective(extreme_NC, target_NC, torch.ones(12))
                assert value.shape == ()
                assert value.dtype == torch.float32
                assert bool(torch.isfinite(value))
                value.backward()  # type: ignore[no-untyped-call]
                assert extreme_NC.grad is not None
                assert bool(torch.isfinite(extreme_NC.grad).all())

    def test_without_photo_weights_is_with_ones(self, loss: LossConfig) -> None:
        objective = built(loss)
        logits_NC, target_NC = photos()
        assert_close(objective(logits_NC, target_NC), objective(logits_NC, target_NC, torch.ones(12)))

    def test_does_not_depend_on_the_order_of_the_photos_or_on_a_shift_of_the_logits(self, loss: LossConfig) -> None:
        objective = built(loss)
        logits_NC, target_NC = photos()
        expected = objective(logits_NC, target_NC)
        shift = 0 if loss in OF_ANGLES else 5
        assert_close(objective(logits_NC.flip(0) + shift, target_NC.flip(0)), expected)

    def test_is_less_for_the_true_class_and_a_step_against_the_slope_lowers_it(self, loss: LossConfig) -> None:
        objective = built(loss)
        logits_NC, target_NC = photos()
        logits_NC.requires_grad_()
        value = objective(logits_NC, target_NC)
        assert objective(SCALE * target_NC, target_NC) < 0.01 < value
        value.backward()  # type: ignore[no-untyped-call]
        assert logits_NC.grad is not None
        assert objective(logits_NC - 0.1 * logits_NC.grad, target_NC) < value

    def test_reads_soft_targets(self, loss: LossConfig) -> None:
        objective = built(loss)
        logits_NC, target_NC = photos()
        smoothed_NC = build_target(config.LabelSmoothing(epsilon=0.2), TASK)(target_NC, torch.full((12,), -1))
        assert bool(torch.isfinite(objective(logits_NC, smoothed_NC)))
        assert not torch.isclose(objective(logits_NC, smoothed_NC), objective(logits_NC, target_NC))


@pytest.mark.parametrize("loss", PHOTO_LOSSES, ids=named)
def test_photo_losses_are_averaged_with_the_photos_weights(loss: LossConfig) -> None:
    objective = built(loss)
    logits_NC, target_NC = photos()
    weight_N = torch.tensor([2.0, *[0.0] * 10, 6.0])
    single = [objective(logits_NC[k : k + 1], target_NC[k : k + 1]) for k in (0, 11)]
    assert_close(objective(logits_NC, target_NC, weight_N), (single[0] + 3 * single[1]) / 4)
    assert objective(logits_NC, target_NC, torch.zeros(12)).item() == 0


@pytest.mark.parametrize("classes", ["all", "present"])
def test_a_photos_weight_reaches_f1_also_within_a_sum(classes: str) -> None:
    """Of weight 0: as if it were not there. Of weight 3: as if it were there three times."""
    logits_NC, target_NC = photos()
    index_M = torch.tensor([0, 0, 0, *range(1, 11)])
    weight_N = torch.tensor([3.0, *[1.0] * 10, 0.0])
    f1 = config.F1(classes=classes)  # type: ignore[arg-type]
    terms = (config.Term(weight=0.4, loss=f1), config.Term(weight=0.6, loss=config.Focal()))
    for loss in (f1, config.WeightedSum(terms=terms)):
        objective = built(loss)
        assert_close(objective(logits_NC, target_NC, weight_N), objective(logits_NC[index_M], target_NC[index_M]))
        assert_close(objective(logits_NC, target_NC, torch.full((12,), 0.3)), objective(logits_NC, target_NC))
        assert not torch.isclose(objective(logits_NC, target_NC, weight_N), objective(logits_NC, target_NC))


def test_a_weighted_sum_is_the_sum_of_its_terms() -> None:
    logits_NC, target_NC = photos()
    weight_N = torch.linspace(0, 1, 12)
    f1_value, focal_value = (built(loss)(logits_NC, target_NC, weight_N) for loss in (config.F1(), config.Focal()))
    total = built(config.WeightedSum())(logits_NC, target_NC, weight_N)
    assert_close(total, 0.4 * f1_value + 0.6 * focal_value)


def test_class_weights_reach_the_loss() -> None:
    logits_NC = torch.zeros(1, 2)
    objective = build_loss(config.CrossEntropy(class_weights=config.InverseShare()), LossInputs(np.array([6, 2])))
    assert objective(logits_NC, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(2 * np.log(2))
    assert objective(logits_NC, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(2 / 3 * np.log(2))


def test_class_weights_without_photos_are_refused() -> None:
    with pytest.raises(DataError, match="at least one photo"):
        build_class_weights(config.InverseShare(), LossInputs(np.zeros(3, dtype=np.int64)))
    assert build_class_weights(config.NoClassWeights(), LossInputs(COUNT_C)) is None


def test_an_objective_is_a_function_of_the_progress() -> None:
    """LDAM weighs rare classes from the share of the training on that its settings name; also inside a sum."""
    logits_NC, target_NC = photos()
    ldam = config.Ldam(reweight_from=0.75)
    total = config.WeightedSum(terms=(config.Term(weight=1.0, loss=ldam), config.Term(weight=1.0, loss=config.F1())))
    for loss in (ldam, total):
        early, late, last = (
            build_loss(loss, LossInputs(COUNT_C, progress=progress, cosine_scale=SCALE))(logits_NC, target_NC)
            for progress in (0.74, 0.75, 0.99)
        )
        assert not torch.isclose(early, late)
        assert torch.equal(late, last)
    early = built(ldam)(logits_NC, target_NC)
    assert_close(early, built(config.Ldam(reweight_from=None))(logits_NC, target_NC))


@pytest.mark.parametrize("progress", [-0.1, 1.0])
def test_a_training_that_is_over_needs_no_objective(progress: float) -> None:
    with pytest.raises(ValueError, match="progress must be from 0 to below 1"):
        build_loss(config.F1(), LossInputs(COUNT_C, progress=progress))


@pytest.mark.parametrize(
    "loss, missing",
    [
        (config.ArcFace(), "cosine_scale"),
        (config.Ldam(), "cosine_scale"),
        (ARCFACE_SUM, "cosine_scale"),
        (config.AttributesCrossEntropy(), "task"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_what_a_loss_needs_is_asked_for(loss: LossConfig, missing: str) -> None:
    with pytest.raises(ValueError, match=f"{missing} must be given"):
        build_loss(loss, LossInputs(COUNT_C))


def test_the_margins_are_those_of_the_heads_scale() -> None:
    """ArcFace: a right angle turned by the margin. LDAM: 1 / 16^¼ = 1/2 of the largest margin."""
    objective = build_loss(config.ArcFace(margin=0.5), LossInputs(np.array([1, 1]), cosine_scale=8.0))
    expected = np.log1p(np.exp(8 * np.sin(0.5)))
    assert objective(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item() == pytest.approx(expected)
    ldam = config.Ldam(max_margin=0.4, reweight_from=None)
    objective = build_loss(ldam, LossInputs(np.array([16, 1]), cosine_scale=8.0))
    assert objective(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item() == pytest.approx(np.log1p(np.exp(1.6)))
    assert objective(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]])).item() == pytest.approx(np.log1p(np.exp(3.2)))


def test_class_weights_of_an_attribute_are_those_of_its_classes_over_what_is_shown() -> None:
    """Gender 20 : 10 photos, shown 1 : 1: weights ∝ 1/2 and 1, so 2/3 and 4/3. Flat logits cost log 2 on average."""
    weighted = config.PerAttribute(
        loss=config.CrossEntropy(class_weights=config.InverseShare()), age_weight=1e-9, gender_weight=1.0
    )
    inputs = LossInputs(np.array([10, 5, 5, 5, 3, 2]), np.array([1.0, 1, 1, 1, 1, 1]), task=TASK)
    objective = build_loss(weighted, inputs)
    values = [objective(torch.zeros(1, C), torch.eye(C)[k : k + 1]).item() for k in (0, 5)]
    assert values == pytest.approx([2 / 3 * np.log(2), 4 / 3 * np.log(2)], rel=1e-6)


def test_an_attributes_plain_cross_entropy_has_one_kind() -> None:
    with pytest.raises(ValueError, match="attributes_cross_entropy"):
        config.PerAttribute(loss=config.CrossEntropy())


def test_attribute_weights_go_to_their_attributes() -> None:
    """Gender is sure and right; age says 1/3 each: only the age weight counts, whatever the attributes' order."""
    loss = config.AttributesCrossEntropy(mask_weight=7.0, gender_weight=5.0, age_weight=2.0)
    for task, classes_a_gender in ((TASK, 3), (Task(attributes=("age", "gender")), 1)):
        female_C = torch.arange(C) // classes_a_gender % 2 == 1
        logits_NC = torch.where(female_C, -1e4, 0.0)[None]
        objective = build_loss(loss, LossInputs(COUNT_C, task=task))
        assert objective(logits_NC, torch.eye(C)[:1]).item() == pytest.approx(2 * np.log(3))


def test_the_auxiliary_term_is_bound_with_its_weight() -> None:
    output = Output(logits_NC=torch.zeros(1, C), embedding_ND=torch.zeros(1, 2), age_logits_NA=torch.zeros(1, 2))
    term = build_auxiliary(config.AgeDistribution(weight=3.0, spread_years=0.1), first_age_years=20)
    # All of the bell curve is on one of two years, the model says a half.
    assert term(output, torch.tensor([21])).item() == pytest.approx(3 * np.log(2))
