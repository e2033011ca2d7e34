"""What survives a kill, and a step that can be taken back."""

from __future__ import annotations

import pytest
import torch

from maskwise.errors import DivergedError
from maskwise.recipe.train_config import TrainConfig
from maskwise.training.moving_parts import MOST_SKIPS_IN_A_ROW, MovingParts, Progress, UnfinishedStep
from support.fits import tiny_fit, tiny_model


def test_what_is_saved_is_what_is_loaded() -> None:
    fit = tiny_fit(TrainConfig(ema_decay=0.9))
    one, two = MovingParts(fit, tiny_model()), MovingParts(fit, tiny_model())
    one.progress.epoch, one.progress.rate_share = 3, 0.25
    with torch.no_grad():
        next(one.model.parameters()).fill_(2.0)
    assert one.average is not None
    assert two.average is not None
    one.average.update()
    two.load_saved(one.as_saved())
    assert two.progress == one.progress
    assert two.average.steps == 1
    assert torch.equal(next(two.kept_model.parameters()), next(one.kept_model.parameters()))
    two.set_rate(0.5)
    assert two.optimizer.param_groups[0]["lr"] == two.base_rates[0] * 0.5 * 0.25


def test_a_state_from_before_steps_could_be_left_out_is_read() -> None:
    parts = MovingParts(tiny_fit(TrainConfig()), tiny_model())
    state = parts.as_saved()
    for name in ("skipped", "skipped_in_a_row", "epoch_is_whole", "rate_share", "halvings"):
        del state["progress"][name]
    parts.load_saved(state)
    assert parts.progress == Progress()


def test_every_skip_halves_the_rate_until_there_are_too_many() -> None:
    progress = Progress()
    for _ in range(MOST_SKIPS_IN_A_ROW):
        progress.count_skip("wrong")
    assert progress.rate_share == 0.5**MOST_SKIPS_IN_A_ROW
    with pytest.raises(DivergedError, match=r"wrong 10 steps before it"):
        progress.count_skip("wrong")


def test_statistics_are_taken_back_to_before_the_step() -> None:
    model = tiny_model()
    step = UnfinishedStep(model)
    model(torch.rand(4, 3, 8, 6))
    before = {name: value.clone() for name, value in model.named_buffers()}
    step.begin()
    model(torch.rand(4, 3, 8, 6))
    assert not all(torch.equal(value, before[name]) for name, value in model.named_buffers())
    step.restore_statistics()
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())
