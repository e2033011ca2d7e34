"""Schedules and warm-up against torch's own, step by step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim.lr_scheduler import LRScheduler

from maskwise.recipe.schedule_config import Constant, Cosine, CosineRestarts, OneCycle, Polynomial, ScheduleConfig, Step
from maskwise.recipe.train_config import InnerHoldOut, TrainConfig
from maskwise.training.schedules import rate_factor

EPOCHS = 12
"""Divisible by 4, so that the cycles end between epochs."""

Torchs = Callable[[torch.optim.Optimizer, int, int], LRScheduler]
"""(optimizer, steps of an epoch, steps of the schedule) → torch's scheduler, stepped after every step."""


def _warm_restarts(length_factor: int, shares: int) -> Torchs:
    """Cycles whose lengths are 1, ``length_factor``, … of ``shares`` together."""

    def build(optimizer: torch.optim.Optimizer, _per_epoch: int, total: int) -> LRScheduler:
        first, rest = divmod(total, shares)
        assert not rest, "torch's cycles have whole numbers of steps"
        return schedulers.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=length_factor, eta_min=0.1)

    return build


AGAINST_TORCH: list[tuple[ScheduleConfig, Torchs]] = [
    (Constant(), lambda optimizer, _, __: schedulers.ConstantLR(optimizer, factor=1.0)),
    (Step(step_epochs=2, gamma=0.5), lambda optimizer, n, _: schedulers.StepLR(optimizer, step_size=2 * n, gamma=0.5)),
    (Step(step_epochs=3, gamma=0.1), lambda optimizer, n, _: schedulers.StepLR(optimizer, step_size=3 * n, gamma=0.1)),
    (
        Cosine(final_share=0.1),
        lambda optimizer, _, total: schedulers.CosineAnnealingLR(optimizer, T_max=total, eta_min=0.1),
    ),
    (CosineRestarts(cycles=2, length_factor=1, final_share=0.1), _warm_restarts(1, 2)),
    (CosineRestarts(cycles=2, length_factor=3, final_share=0.1), _warm_restarts(3, 4)),
    *(
        (
            Polynomial(power=power),
            lambda optimizer, _, total, power=power: schedulers.PolynomialLR(optimizer, total_iters=total, power=power),
        )
        for power in (0.5, 1.0, 2.0)
    ),
]


@pytest.mark.parametrize("steps_per_epoch", [1, 2, 5])
@pytest.mark.parametrize("warmup_epochs", [0, 4])
@pytest.mark.parametrize(("config", "torchs"), AGAINST_TORCH, ids=lambda value: getattr(value, "kind", ""))
def test_every_step_is_torchs(config: ScheduleConfig, torchs: Torchs, warmup_epochs: int, steps_per_epoch: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    warmup_steps, total = warmup_epochs * steps_per_epoch, EPOCHS * steps_per_epoch
    reference = torchs(optimizer, steps_per_epoch, total - warmup_steps)
    if warmup_steps:
        # LinearLR multiplies the rate that it finds, so it begins anew: SequentialLR resets the rate.
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        rise = schedulers.LinearLR(optimizer, start_factor=1 / warmup_steps, total_iters=warmup_steps - 1)
        after = torchs(optimizer, steps_per_epoch, total - warmup_steps)
        reference = schedulers.SequentialLR(optimizer, [rise, after], milestones=[warmup_steps])
    for step in range(total):
        factor = rate_factor(
            config, step=step, steps_per_epoch=steps_per_epoch, epochs=EPOCHS, warmup_epochs=warmup_epochs
        )
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"]), step
        optimizer.step()
        reference.step()


@pytest.mark.parametrize("steps_per_epoch", [1, 2, 5, 10])
@pytest.mark.parametrize("rise_share", [0.05, 0.3, 0.9])
def test_one_cycle_is_torchs_in_every_step(rise_share: float, steps_per_epoch: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    total = EPOCHS * steps_per_epoch
    reference = schedulers.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=total, pct_start=rise_share, cycle_momentum=False
    )
    for step in range(total):
        factor = rate_factor(OneCycle(rise_share=rise_share), step=step, steps_per_epoch=steps_per_epoch, epochs=EPOCHS)
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"]), step
        optimizer.step()
        if step < total - 1:
            reference.step()


def test_step_drops_after_the_last_batch_of_its_epochs() -> None:
    """Four epochs of five batches, a step of two: batch 4 of epochs 1 and 3 still has the factor of its epoch."""
    factors = [
        rate_factor(Step(step_epochs=2, gamma=0.5), step=step, steps_per_epoch=5, epochs=4) for step in range(20)
    ]
    assert factors == [1.0] * 10 + [0.5] * 10


def test_a_warm_up_of_part_of_an_epoch_by_hand() -> None:
    """0.4 epochs of five steps are two steps; half an epoch of five is two and a half."""
    for warmup_epochs, expected in ((0.4, [1 / 2, 1, 1, 0.5]), (0.5, [1 / 2.5, 2 / 2.5, 1, 1 - 0.5 / 7.5])):
        factors = [
            rate_factor(Polynomial(), step=step, steps_per_epoch=5, epochs=2, warmup_epochs=warmup_epochs)
            for step in (0, 1, 2, 6 if warmup_epochs == 0.4 else 3)
        ]
        assert factors == pytest.approx(expected)


@pytest.mark.parametrize("steps_per_epoch", [1, 3])
@pytest.mark.parametrize("config", [OneCycle(rise_share=0.01), CosineRestarts(cycles=9), Step(step_epochs=1)])
def test_trainings_of_very_few_steps_have_rates_from_0_to_1(config: ScheduleConfig, steps_per_epoch: int) -> None:
    for epochs in (1, 2):
        factors = [
            rate_factor(config, step=step, steps_per_epoch=steps_per_epoch, epochs=epochs)
            for step in range(epochs * steps_per_epoch)
        ]
        assert all(0 <= factor <= 1 for factor in factors)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 2, "warmup_epochs": 2.0}, "warmup_epochs"),
        ({"epochs": 2, "freeze_backbone_epochs": 3}, "freeze_backbone_epochs"),
        ({"epochs": 2, "schedule": Step(step_epochs=2)}, "never drops"),
        ({"epochs": 4, "schedule": Step(step_epochs=3), "warmup_epochs": 1.0}, "never drops"),
        ({"epochs": 2, "schedule": OneCycle(), "warmup_epochs": 0.5}, r"warmup_epochs must be 0 with the one_cycle"),
        ({"epochs": 4, "unfreeze_epochs": (1, 3), "freeze_backbone_epochs": 1}, "0 with train.unfreeze_epochs"),
        ({"epochs": 4, "unfreeze_epochs": (2, 1)}, r"rising list of epochs from 0 to train\.epochs \(4\)"),
        ({"epochs": 4, "unfreeze_epochs": (1, 1)}, "rising"),
        ({"epochs": 4, "unfreeze_epochs": (-1, 1)}, "rising"),
        ({"epochs": 4, "unfreeze_epochs": (1, 5)}, "rising"),
        ({"epochs": 4, "unfreeze_epochs": (0,)}, "must hold something back"),
        ({"epochs": 4, "layer_decay": 0.7, "freeze_backbone_epochs": 4}, "layer_decay must be left out"),
        ({"epochs": 4, "layer_decay": 0.7, "unfreeze_epochs": (4,)}, "layer_decay must be left out"),
        ({"layer_decay": 1.0}, "layer_decay"),
    ],
)
def test_settings_without_effect_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainConfig(**settings)  # type: ignore[arg-type]


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(ValueError, match=r"(?s)warmup_epochs.*never drops.*unfreeze.*patience"):
        TrainConfig(
            epochs=2,
            warmup_epochs=2.0,
            schedule=Step(step_epochs=2),
            unfreeze_epochs=(3,),
            checkpoint=InnerHoldOut(patience_epochs=2),
        )


def test_legal_stages_are_taken_and_come_back_from_json() -> None:
    train = TrainConfig(epochs=4, unfreeze_epochs=(0, 2, 4), layer_decay=0.75, schedule=CosineRestarts())
    assert TrainConfig.model_validate_json(train.model_dump_json()) == train
