"""The contract of every objective, and what building binds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from maskwise.errors import DataError
from maskwise.losses import config
from maskwise.losses.build import build_class_weights, build_loss, build_target
from maskwise.losses.config import LossConfig

C = 6
COUNT_C = np.array([30, 20, 10, 5, 1, 0])

WEIGHTS: list[config.ClassWeights] = [
    config.NoClassWeights(),
    config.InverseShare(),
    config.EffectiveNumber(),
    config.SqrtInverseClipped(),
]
PHOTO_LOSSES: list[LossConfig] = [
    *(config.CrossEntropy(class_weights=weights) for weights in WEIGHTS),
    *(config.Focal(class_weights=weights) for weights in WEIGHTS),
]
LOSSES: list[LossConfig] = [*PHOTO_LOSSES, config.F1(), config.WeightedSum()]


def photos(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    target_NC = functional.one_hot(torch.from_numpy(rng.integers(0, C, size=12)), C)
    return torch.from_numpy(rng.normal(size=(12, C))).to(dtype), target_NC.float()


def named(loss: LossConfig) -> str:
    return f"{loss.kind}-{loss.class_weights.kind}" if hasattr(loss, "class_weights") else loss.kind


@pytest.mark.parametrize("loss", LOSSES, ids=named)
class TestEveryObjective:
    def test_is_a_finite_float32_scalar_even_at_extreme_logits_in_half_precision(self, loss: LossConfig) -> None:
        objective = build_loss(loss, COUNT_C)
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
        objective = build_loss(loss, COUNT_C)
        logits_NC, target_NC = photos()
        assert_close(objective(logits_NC, target_NC), objective(logits_NC, target_NC, torch.ones(12)))

    def test_does_not_depend_on_the_order_of_the_photos_or_on_a_shift_of_the_logits(self, loss: LossConfig) -> None:
        objective = build_loss(loss, COUNT_C)
        logits_NC, target_NC = photos()
        expected = objective(logits_NC, target_NC)
        assert_close(objective(logits_NC.flip(0) + 5, target_NC.flip(0)), expected)

    def test_is_less_for_the_right_answer_and_a_step_against_the_slope_lowers_it(self, loss: LossConfig) -> None:
        objective = build_loss(loss, COUNT_C)
        logits_NC, target_NC = photos()
        logits_NC.requires_grad_()
        value = objective(logits_NC, target_NC)
        assert objective(20 * target_NC, target_NC) < 0.01 < value
        value.backward()  # type: ignore[no-untyped-call]
        assert logits_NC.grad is not None
        assert objective(logits_NC - 0.1 * logits_NC.grad, target_NC) < value

    def test_reads_soft_targets(self, loss: LossConfig) -> None:
        objective = build_loss(loss, COUNT_C)
        logits_NC, target_NC = photos()
        smoothed_NC = build_target(config.LabelSmoothing(epsilon=0.2))(target_NC)
        assert bool(torch.isfinite(objective(logits_NC, smoothed_NC)))
        assert not torch.isclose(objective(logits_NC, smoothed_NC), objective(logits_NC, target_NC))


@pytest.mark.parametrize("loss", PHOTO_LOSSES, ids=named)
def test_photo_losses_are_averaged_with_the_photos_weights(loss: LossConfig) -> None:
    objective = build_loss(loss, COUNT_C)
    logits_NC, target_NC = photos()
    weight_N = torch.tensor([2.0, *[0.0] * 10, 6.0])
    single = [objective(logits_NC[k : k + 1], target_NC[k : k + 1]) for k in (0, 11)]
    assert_close(objective(logits_NC, target_NC, weight_N), (single[0] + 3 * single[1]) / 4)
    assert objective(logits_NC, target_NC, torch.zeros(12)).item() == 0


def test_f1_ignores_the_photos_weights() -> None:
    objective = build_loss(config.F1(), COUNT_C)
    logits_NC, target_NC = photos()
    assert_close(objective(logits_NC, target_NC, torch.arange(12.0)), objective(logits_NC, target_NC))


def test_a_weighted_sum_is_the_sum_of_its_terms() -> None:
    logits_NC, target_NC = photos()
    weight_N = torch.linspace(0, 1, 12)
    f1_value, focal_value = (
        build_loss(loss, COUNT_C)(logits_NC, target_NC, weight_N) for loss in (config.F1(), config.Focal())
    )
    total = build_loss(config.WeightedSum(), COUNT_C)(logits_NC, target_NC, weight_N)
    assert_close(total, 0.4 * f1_value + 0.6 * focal_value)


def test_class_weights_reach_the_loss() -> None:
    logits_NC = torch.zeros(1, 2)
    objective = build_loss(config.CrossEntropy(class_weights=config.InverseShare()), np.array([6, 2]))
    assert objective(logits_NC, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(2 * np.log(2))
    assert objective(logits_NC, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(2 / 3 * np.log(2))


def test_class_weights_without_photos_are_refused() -> None:
    with pytest.raises(DataError, match="at least one photo"):
        build_class_weights(config.InverseShare(), np.zeros(3, dtype=np.int64))
    assert build_class_weights(config.NoClassWeights(), COUNT_C) is None
