"""Schedules against torch's own, and warm-up by hand."""

from __future__ import annotations

import pytest
import torch

from maskwise.recipe.train_config import Constant, Cosine, ScheduleConfig, Step, TrainConfig
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


@pytest.mark.parametrize("schedule", [Constant(), Cosine(), Step(step_epochs=2)])
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
    ],
)
def test_settings_without_effect_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainConfig(**settings)  # type: ignore[arg-type]
