"""Losses are read at once on a CPU, a few at a time on a GPU, and none is lost or read twice."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch

from maskwise.errors import DivergedError
from maskwise.recipe.optimizer_config import SGD
from maskwise.recipe.train_config import TrainConfig
from maskwise.training import losses_seen
from maskwise.training.fold_files import LOG
from maskwise.training.losses_seen import READ_EVERY, LossesSeen
from support.fits import equal_weights, tiny_fit, weights_after

CPU, META = torch.device("cpu"), torch.device("meta")


def test_a_cpu_reads_each_loss_at_once() -> None:
    seen = LossesSeen(CPU)
    assert math.isnan(seen.latest)
    seen.note(4, torch.tensor(0.5))
    assert seen.due
    assert list(seen.read()) == [(4, 0.5)]
    assert seen.latest == 0.5
    assert list(seen.read()) == []


def test_elsewhere_they_wait_for_each_other() -> None:
    seen = LossesSeen(META)
    for position in range(READ_EVERY - 1):
        seen.note(position, torch.tensor(float(position)))
        assert not seen.due
    seen.note(READ_EVERY - 1, torch.tensor(9.0))
    assert seen.due
    assert list(seen.read()) == [*((k, float(k)) for k in range(READ_EVERY - 1)), (READ_EVERY - 1, 9.0)]


@pytest.fixture
def reading_every_three(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(self: LossesSeen, device: torch.device) -> None:
        real(self, device)
        self.read_every = 3

    real = LossesSeen.__init__
    monkeypatch.setattr(losses_seen.LossesSeen, "__init__", begin)


@pytest.mark.usefixtures("reading_every_three")
def test_a_training_that_reads_seldom_is_the_same_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(epochs=2, batch_size=8)  # 7 batches an epoch: one is left at its end
    seldom = weights_after(tiny_fit(config), tmp_path / "seldom")
    monkeypatch.undo()
    assert equal_weights(weights_after(tiny_fit(config), tmp_path / "always"), seldom)

    def losses(folder: Path) -> list[float]:
        return [json.loads(line)["loss"] for line in (folder / LOG).read_text().splitlines()]

    assert losses(tmp_path / "seldom") == losses(tmp_path / "always")


@pytest.mark.usefixtures("reading_every_three")
def test_a_loss_that_is_not_finite_is_named_by_its_batch_and_nothing_is_saved(tmp_path: Path) -> None:
    config = TrainConfig(epochs=2, batch_size=8, optimizer=SGD(rate=1e20))
    fit = tiny_fit(config, select=False)
    fit = dataclasses.replace(fit, runtime=fit.runtime.model_copy(update={"checkpoint_every_s": 3600.0}))
    with pytest.raises(DivergedError, match=r"epoch 1, batch [2-7] \(photos "):
        weights_after(fit, tmp_path)
    assert list(tmp_path.iterdir()) == []
