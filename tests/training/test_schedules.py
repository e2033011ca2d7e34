"""Schedules against torch's own, and warm-up by hand."""

from __future__ import annotations

import pytest
import torch

from maskwise.recipe.schedule_config import Constant, Cosine, CosineRestarts, OneCycle, Polynomial, ScheduleConfig, Step
from maskwise.recipe.train_config import InnerHoldOut, TrainConfig
from maskwise.training.schedules import rate_factor


def test_step_is_torchs_step_lr() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    reference = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    for epoch in range(10):
        assert rate_factor(Step(step_epochs=3, gamma=0.5), 0, 10, epoch) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )
        optimizer.step()
        reference.step()


def test_cosine_is_torchs_cosine() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=0.1)
    for epoch in range(9):
        assert rate_factor(Cosine(final_share=0.1), 0, 8, epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_polynomial_is_torchs_polynomial(power: float) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    reference = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=8, power=power)
    for epoch in range(9):
        assert rate_factor(Polynomial(power=power), 0, 8, epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


@pytest.mark.parametrize(("length_factor", "first", "epochs"), [(1, 4, 12), (2, 2, 14)])
def test_cosine_restarts_are_torchs_within_the_cycles(length_factor: int, first: int, epochs: int) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=first, T_mult=length_factor, eta_min=0.1
    )
    schedule = CosineRestarts(cycles=3, length_factor=length_factor, final_share=0.1)
    begins = [first, first + first * length_factor]
    optimizer.step()
    for tenth in range(10 * epochs):
        time = tenth / 10
        reference.step(time)
        if time not in begins:
            assert rate_factor(schedule, 0, epochs, time) == pytest.approx(optimizer.param_groups[0]["lr"]), time


@pytest.mark.parametrize(("length_factor", "ends"), [(1.0, [3, 6, 9]), (2.0, [9 / 7, 27 / 7, 9])])
def test_a_cycle_ends_with_its_smallest_rate_and_the_next_begins_with_the_full_one(
    length_factor: float, ends: list[float]
) -> None:
    """The last step of a cycle belongs to it: torch's begins the next one there."""
    schedule = CosineRestarts(cycles=3, length_factor=length_factor, final_share=0.02)
    # With a warm-up of one epoch before.
    assert [rate_factor(schedule, 1, 10, 1 + end) for end in ends] == pytest.approx([0.02] * 3)
    assert [rate_factor(schedule, 1, 10, 1 + end + 1e-4) for end in (0.0, *ends[:-1])] == pytest.approx([1.0] * 3)


def test_one_cycle_is_torchs_one_cycle() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    # torch counts steps 0 … 100 and ends the rise at step pct_start · 101 - 1: here at 30 of 100.
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=101, pct_start=31 / 101, cycle_momentum=False
    )
    for step in range(101):
        assert rate_factor(OneCycle(), 0, 10, step / 10) == pytest.approx(optimizer.param_groups[0]["lr"]), step
        optimizer.step()
        if step < 100:
            reference.step()


def test_one_cycle_by_hand() -> None:
    schedule = OneCycle(rise_share=0.2, start_share=0.1, final_share=0.0)
    # Half-way up (1 of 2 epochs) and half-way down (4 of 8).
    factors = [rate_factor(schedule, 0, 10, time) for time in (0, 1, 2, 6, 10)]
    assert factors == pytest.approx([0.1, 0.55, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("schedule", [Constant(), Cosine(), Step(step_epochs=2), CosineRestarts(), Polynomial()])
def test_warm_up_rises_linearly_to_the_full_rate_and_nothing_exceeds_it(schedule: ScheduleConfig) -> None:
    factors = [rate_factor(schedule, 2, 10, time / 10) for time in range(101)]
    assert factors[:21:5] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0 if not isinstance(schedule, Step) else 0.5])
    assert max(factors) <= 1
    assert min(factors) >= 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 2, "warmup_epochs": 2.0}, "warmup_epochs"),
        ({"epochs": 2, "freeze_backbone_epochs": 3}, "freeze_backbone_epochs"),
        ({"epochs": 2, "schedule": Step(step_epochs=2)}, "never drops"),
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


def test_all_problems_are_told_together() -> None:
    with pytest.raises(ValueError, match=r"(?s)warmup_epochs.*never drops.*unfreeze_epochs.*patience_epochs"):
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
