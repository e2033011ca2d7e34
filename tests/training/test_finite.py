"""Numbers that are not finite are caught in their step; losses are read at once on a CPU, a few at a time on a GPU."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwise.errors import DivergedError
from maskwise.listeners import StepReport
from maskwise.losses.weighted_sum import Objective
from maskwise.probabilities import Probabilities
from maskwise.recipe.optimizer_config import SGD
from maskwise.recipe.schedule_config import Constant
from maskwise.recipe.train_config import Last, OnNonfinite, RuntimeConfig, TrainConfig
from maskwise.training import finite, loop
from maskwise.training.checkpoints import load_checkpoint
from maskwise.training.finite import READ_EVERY, LossesSeen, all_finite, photos_named
from maskwise.training.fold_files import DONE, LOG
from maskwise.training.inference import predict_table
from maskwise.training.loop import Trainer
from maskwise.training.training_inputs import Fit
from support.fits import (
    KillAt,
    Killed,
    Remember,
    cross_entropy_always,
    equal_weights,
    tiny_fit,
    tiny_model,
    weights_after,
)

CPU, META = torch.device("cpu"), torch.device("meta")


def test_a_cpu_reads_each_loss_at_once() -> None:
    seen = LossesSeen(CPU, "stop")
    assert LossesSeen(CPU, "stop").latest is None
    seen.note(4, torch.tensor(0.5))
    assert seen.due
    assert list(seen.read()) == [(4, 0.5)]
    assert seen.latest == 0.5
    assert list(seen.read()) == []


def test_elsewhere_they_wait_for_each_other() -> None:
    seen = LossesSeen(META, "stop")
    for position in range(READ_EVERY - 1):
        seen.note(position, torch.tensor(float(position)))
        assert not seen.due
    seen.note(READ_EVERY - 1, torch.tensor(9.0))
    assert seen.due
    assert list(seen.read()) == [*((k, float(k)) for k in range(READ_EVERY - 1)), (READ_EVERY - 1, 9.0)]


@pytest.fixture
def reading_every_three(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(self: LossesSeen, device: torch.device, on_nonfinite: OnNonfinite) -> None:
        real(self, device, on_nonfinite)
        self.at_once, self.read_every = False, 3

    real = LossesSeen.__init__
    monkeypatch.setattr(finite.LossesSeen, "__init__", begin)


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


# --- what happens then ---------------------------------------------------------------------------------------------


class GoesWrong:
    """The objective of a training, whose values in some of its calls are not finite, or whose slopes are not."""

    def __init__(self, calls: Sequence[int], what: str) -> None:
        self.calls, self.what, self.number = calls, what, 0

    def at(self, progress: float) -> Objective:
        real = cross_entropy_always(progress)

        def objective(
            logits_NC: Tensor,
            target_NC: Tensor,
            weight_N: Tensor | None = None,
            attribute_logits_NA: Tensor | None = None,
        ) -> Tensor:
            self.number += 1
            loss = real(logits_NC, target_NC, weight_N)
            if self.number not in self.calls:
                return loss
            return loss * float("nan") if self.what == "loss" else loss + (0 * logits_NC.sum()).sqrt()

        return objective


def _fit(what: str, calls: Sequence[int], select: bool = True, **settings: Any) -> Fit:
    """Seven batches of 7 or 8 photos an epoch."""
    config = TrainConfig(batch_size=8, optimizer=SGD(rate=0.05, weight_decay=0.01), ema_decay=0.9, **settings)
    fit = tiny_fit(config, RuntimeConfig(device="cpu", workers=0, checkpoint_every_s=3600.0), select=select)
    return dataclasses.replace(fit, objective_at=GoesWrong(calls, what).at)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_goes_wrong_stops_with_the_photos_named_and_the_state_before_it_kept(
    what: str, tmp_path: Path
) -> None:
    fit = _fit(what, [3], epochs=2)
    photos = fit.source.table.photo_N[fit.source.plan(0)[2]]
    with pytest.raises(DivergedError, match=rf"the {what} must be finite.* epoch 1, batch 3 \(photos {photos[0]}"):
        weights_after(fit, tmp_path / "stopped")
    state, _ = load_checkpoint(tmp_path / "stopped")
    assert state is not None
    assert (state["progress"]["position"], state["progress"]["steps"]) == (2, 2)
    # The statistics of batch norms, too, are those from before the step.
    with pytest.raises(Killed):
        weights_after(_fit(what, [], epochs=2), tmp_path / "killed", KillAt(2))
    fine = dataclasses.replace(_fit(what, [], epochs=2), runtime=RuntimeConfig(device="cpu", workers=0))
    assert equal_weights(weights_after(fine, tmp_path / "stopped"), weights_after(fine, tmp_path / "killed"))


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_goes_wrong_is_left_out_and_its_epoch_never_ranks(what: str, tmp_path: Path) -> None:
    listener = Remember()
    fit = _fit(what, [9], epochs=3, on_nonfinite="skip")  # batch 2 of epoch 2
    after = weights_after(fit, tmp_path, listener)
    assert all_finite(list(after.values()))
    assert not listener.epochs[1].best
    done = json.loads((tmp_path / DONE).read_text())
    assert done["best_epoch"] != 1
    assert done["steps"] == 3 * 7 - 1
    (note,) = [note for note in listener.notes if "left out" in note]
    assert re.search(rf"the {what} must be finite.* epoch 2, batch 2 \(photos photo-", note)
    # From then on half of what the schedule says.
    whole = Remember()
    weights_after(_fit(what, [], epochs=3), tmp_path / "whole", whole)
    assert [one.rate / two.rate for one, two in zip(listener.epochs, whole.epochs, strict=True)] == [1, 0.5, 0.5]


def test_the_step_of_a_batch_is_left_out_with_all_batches_that_share_it(tmp_path: Path) -> None:
    fit = _fit("loss", [2], epochs=1, accumulate_batches=3, on_nonfinite="skip")
    with pytest.raises(DivergedError, match=r"epochs without .* must .*, got 'none \(1 were"):
        weights_after(fit, tmp_path)
    state, _ = load_checkpoint(tmp_path)
    assert state is not None
    assert state["progress"]["steps"] == 2, "of three: batches 1 to 3 make none"


def test_without_validation_people_the_last_whole_epoch_is_kept(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 3, "select": False, "checkpoint": Last(), "schedule": Constant()}
    after = weights_after(_fit("loss", [20], on_nonfinite="skip", **settings), tmp_path / "skip")
    assert json.loads((tmp_path / "skip" / DONE).read_text())["best_epoch"] == 1
    two_epochs = _fit("loss", [], **{**settings, "epochs": 2})
    assert equal_weights(after, weights_after(two_epochs, tmp_path / "two"))


def test_a_training_that_only_goes_wrong_ends(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="10 steps before it were left out, too"):
        weights_after(_fit("loss", range(2, 99), epochs=9, on_nonfinite="skip"), tmp_path)


@pytest.mark.parametrize("select", [True, False], ids=["validated", "last epoch"])
def test_weights_that_the_last_step_loses_are_no_result(select: bool, tmp_path: Path) -> None:
    """No batch comes after it whose loss would show them."""
    config = TrainConfig(epochs=1, batch_size=64, optimizer=SGD(rate=1e38, momentum=0.9), schedule=Constant())
    with pytest.raises(DivergedError, match=r"weights .*finite.*batch 1 .*Lower train\.optim"):
        weights_after(tiny_fit(config, select=select), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lost_weights_are_taken_from_the_last_saved_state(tmp_path: Path) -> None:
    """An update can lose them though its gradient was finite: here they are lost after the tenth batch."""
    trainers: list[Trainer] = []

    class Loses(Remember):
        done = 0

        def on_step(self, report: StepReport) -> None:
            self.done += 1
            if self.done == 10:
                with torch.no_grad():
                    next(trainers[0].parts.model.parameters()).fill_(float("inf"))

    listener = Loses()
    trainers.append(Trainer(_fit("loss", [], epochs=2, on_nonfinite="skip"), tiny_model(), tmp_path, listener))
    trainers[0].run()
    assert all_finite(list(trainers[0].parts.model.parameters()))
    (note,) = [note for note in listener.notes if "Back to the last saved state" in note]
    assert "epoch 2, batch 4" in note, "the first loss that shows it"
    # What was lost is trained again, so the second epoch is whole; its rate is half of the schedule's.
    assert json.loads((tmp_path / DONE).read_text())["steps"] == 14
    assert trainers[0].progress.rate_share == 0.5


@pytest.mark.parametrize("on_nonfinite", ["stop", "skip"])
def test_an_epoch_whose_predictions_are_not_finite_never_ranks(
    on_nonfinite: OnNonfinite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter([1.0, float("nan"), 1.0])

    def spoiled(*given: Any) -> Probabilities:
        predicted = predict_table(*given)
        return predicted._replace(probs_NC=predicted.probs_NC * next(numbers))

    monkeypatch.setattr(loop, "predict_table", spoiled)
    fit, listener = _fit("loss", [], epochs=3, on_nonfinite=on_nonfinite), Remember()
    if on_nonfinite == "stop":
        with pytest.raises(DivergedError, match=r"probabilities of .* finite.* epoch 2"):
            weights_after(fit, tmp_path, listener)
    else:
        weights_after(fit, tmp_path, listener)
        assert not listener.epochs[1].best
        assert any("cannot be the one that is kept" in note for note in listener.notes)


def test_a_state_of_lost_weights_is_never_saved(tmp_path: Path) -> None:
    trainer = Trainer(_fit("loss", []), tiny_model(), tmp_path, Remember())
    with torch.no_grad():
        next(trainer.parts.model.parameters()).fill_(float("nan"))
    trainer._save_state()
    assert load_checkpoint(tmp_path) == (None, [])


def test_the_sum_shows_every_number_that_is_not_finite() -> None:
    for value in (float("nan"), float("inf"), -float("inf")):
        assert not all_finite([torch.zeros(3), torch.tensor([1.0, value])])
    assert not all_finite([torch.tensor([float("inf"), -float("inf")])])
    assert all_finite([torch.tensor([1e30, -1e30]), torch.tensor([3])])
    assert all_finite([])


def test_photos_are_named_by_suspicion() -> None:
    photo_N = np.array([f"{k}.jpg" for k in range(7)], dtype=object)
    assert photos_named(photo_N, None) == "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, …"
    assert photos_named(photo_N, torch.arange(7) == 6) == "6.jpg"
    assert photos_named(photo_N[:2], torch.ones(2, dtype=torch.bool)) == "0.jpg, 1.jpg"
