"""The training loop: a model, a source of batches, an objective, and what is kept of them. One page, plain PyTorch."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskwise.chance import torch_seed_for
from maskwise.errors import DivergedError, RecipeError, must
from maskwise.files import write_atomically
from maskwise.listeners import EpochReport, Listener, StepReport
from maskwise.losses.weighted_sum import weighted_mean
from maskwise.memory import keep_freed_memory
from maskwise.records import Batch, Output
from maskwise.training.averaging import MovingAverage
from maskwise.training.batches import epoch_batches
from maskwise.training.blocks import backbone_blocks
from maskwise.training.checkpoints import (
    delete_checkpoints,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from maskwise.training.depthwise import quicken_depthwise
from maskwise.training.devices import autocast, laid_out, learner, place_model, seed_torch
from maskwise.training.fold_files import DONE, LOG, WEIGHTS
from maskwise.training.folding import folded
from maskwise.training.freezing import set_trainable, trainable_blocks
from maskwise.training.inference import predict_table
from maskwise.training.losses_seen import LossesSeen
from maskwise.training.optimizers import build_optimizer
from maskwise.training.schedules import rate_factor
from maskwise.training.stopping import StopRequest, stop_request
from maskwise.training.training_inputs import Fit


@dataclass
class Progress:
    """Where a training stands. Everything that must survive a kill, besides the tensors."""

    epoch: int = 0
    position: int = 0
    steps: int = 0
    loss_sum: float = 0.0
    loss_batches: int = 0
    epoch_seconds: float = 0.0
    best_score: float = -math.inf
    best_epoch: int = -1
    log: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Trainer:
    """The moving parts of one training: model, optimiser, average, scaler and progress."""

    def __init__(self, fit: Fit, model: nn.Module, folder: Path, listener: Listener) -> None:
        self.fit, self.folder, self.listener = fit, folder, listener
        self.model = place_model(model, fit.device, fit.config.layout)
        quicken_depthwise(self.model)
        self.answer = learner(self.model, fit.runtime.step)
        self.optimizer = build_optimizer(fit.config.optimizer, self.model, fit.config.layer_decay)
        self.average = MovingAverage(self.model, fit.config.ema_decay) if fit.config.ema_decay else None
        self.scaler = torch.amp.GradScaler(fit.device.type, enabled=fit.config.precision == "fp16")
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.objective = fit.objective_at(0.0)
        self.progress = Progress()
        self.losses = LossesSeen(fit.device)
        self.saved_at = time.monotonic()

    def try_step(self, batch: Batch) -> Tensor:
        """One whole step on ``batch`` as in the last epoch, when most of the model learns. Returns the loss.

        For trying out what a step needs; nothing is saved, and the gradients of a step that failed are forgotten.
        """
        self.optimizer.zero_grad(set_to_none=True)
        self.progress.epoch = self.fit.config.epochs - 1
        self._set_frozen()
        return self._train_batch(batch, position=0, n_batches=1)

    # --- the story -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Train to the end, from the saved state if there is one; leaves ``weights.safetensors`` and ``fold.json``."""
        keep_freed_memory()
        refuse_long_accumulation(self.fit.config.accumulate_batches, len(self.fit.source.plan(self.progress.epoch)))
        self._resume()
        with stop_request() as request:
            while self.progress.epoch < self.fit.config.epochs and not self._out_of_patience():
                self.train_epoch(request)
                self._end_epoch()
                self._save_state()
                request.raise_if_asked()
        self._finish()

    def train_epoch(self, request: StopRequest) -> None:
        """The batches of an epoch that are left, without what comes at its end."""
        fit, progress = self.fit, self.progress
        self._set_frozen()
        self.objective = fit.objective_at(progress.epoch / fit.config.epochs)
        started = time.perf_counter()
        batches = epoch_batches(fit.source, progress.epoch, progress.position, fit.runtime.workers, fit.device)
        for position, n_batches, batch in batches:
            self.losses.note(position, self._train_batch(batch, position, n_batches))
            if self.losses.due:
                self._take_losses()
            progress.position = position + 1
            seconds = time.perf_counter() - started
            started = time.perf_counter()
            progress.epoch_seconds += seconds
            self._report_step(len(batch.class_N), n_batches, seconds)
            self._save_state_in_time(request, at_step=self._steps_now(position, n_batches))

    def _train_batch(self, batch: Batch, position: int, n_batches: int) -> Tensor:
        """Forward, backward and, where the accumulated batches are complete, a step. Returns the loss, unread."""
        fit = self.fit
        chance = torch_seed_for(fit.source.seed, "dropout", fit.source.fold, self.progress.epoch, position)
        seed_torch(chance, fit.device)
        with autocast(fit.device, fit.config.precision):
            output = self.answer(laid_out(fit.inference.of_batch(batch.images_NCHW), fit.config.layout))
        loss = self.loss_of(output, batch)
        shared = batches_of_step(position, n_batches, fit.config.accumulate_batches)
        self.scaler.scale(loss / shared).backward()  # type: ignore[no-untyped-call]
        if self._steps_now(position, n_batches):
            self._step(position, n_batches)
        return loss.detach()

    def loss_of(self, output: Output, batch: Batch) -> Tensor:
        """The loss of a batch: the objective, and the auxiliary term where there is one."""
        loss = self.objective(output.logits_NC.float(), batch.target_NC, batch.weight_N)
        if self.fit.auxiliary is None:
            return loss
        return loss + weighted_mean(self.fit.auxiliary(output, batch.age_years_N), batch.weight_N)

    def _step(self, position: int, n_batches: int) -> None:
        config = self.fit.config
        steps_per_epoch = -(-n_batches // config.accumulate_batches)
        self._set_rate(
            rate_factor(
                config.schedule,
                step=self.progress.epoch * steps_per_epoch + position // config.accumulate_batches,
                steps_per_epoch=steps_per_epoch,
                epochs=config.epochs,
                warmup_epochs=config.warmup_epochs,
            )
        )
        if config.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.progress.steps += 1
        if self.average is not None:
            self.average.update()

    def _end_epoch(self) -> None:
        """Score the selection people, keep the weights if they are the best so far, write the log."""
        fit, progress = self.fit, self.progress
        self._take_losses()
        macro_f1, accuracy = self._score_selection()
        best = macro_f1 is None or macro_f1 > progress.best_score
        if best:
            progress.best_score = -math.inf if macro_f1 is None else macro_f1
            progress.best_epoch = progress.epoch
            if (
                macro_f1 is not None or progress.epoch == fit.config.epochs - 1
            ):  # nobody reads what the next one replaces
                save_weights(self.folder / WEIGHTS, self._kept_model(), fit.still)
        report = EpochReport(
            fold=fit.source.fold,
            epoch=progress.epoch,
            epochs=fit.config.epochs,
            loss=progress.loss_sum / max(progress.loss_batches, 1),
            rate=self.optimizer.param_groups[0]["lr"],
            macro_f1=macro_f1,
            accuracy=accuracy,
            best=best,
            photos=sum(len(part) for part in fit.source.plan(progress.epoch)),
            seconds=round(progress.epoch_seconds, 3),
        )
        progress.log.append(dataclasses.asdict(report))
        write_atomically(self.folder / LOG, "".join(json.dumps(line) + "\n" for line in progress.log))
        self.listener.on_epoch(report)
        progress.epoch, progress.position = progress.epoch + 1, 0
        progress.loss_sum, progress.loss_batches, progress.epoch_seconds = 0.0, 0, 0.0

    def _finish(self) -> None:
        load_weights(self.folder / WEIGHTS, self.model, self.fit.still)
        summary = {
            "best_epoch": self.progress.best_epoch,
            "best_macro_f1": self.progress.best_score if self.fit.selection else None,
            "epochs": self.progress.epoch,
            "steps": self.progress.steps,
            "seconds": round(sum(line["seconds"] for line in self.progress.log), 1),
        }
        write_atomically(self.folder / DONE, json.dumps(summary, indent=2) + "\n")
        delete_checkpoints(self.folder)

    # --- details ---------------------------------------------------------------------------------------------------

    def _kept_model(self) -> nn.Module:
        return self.average.model if self.average is not None else self.model

    def _score_selection(self) -> tuple[float | None, float | None]:
        selection = self.fit.selection
        if selection is None:
            return None, None
        model = folded(self._kept_model().eval(), self.fit.inference.spec)
        answers = predict_table(model, selection.read, len(selection.table), self.fit.inference)
        return selection.score(selection.table, answers.probs_NC)

    def _out_of_patience(self) -> bool:
        selection, progress = self.fit.selection, self.progress
        if selection is None or selection.patience_epochs is None or progress.best_epoch < 0:
            return False
        waited = progress.epoch - 1 - progress.best_epoch
        if waited < selection.patience_epochs:
            return False
        self.listener.on_note(f"stopped early: no better score for {waited} epochs")
        return True

    def _set_frozen(self) -> None:
        """Freeze the backbone's blocks whose epoch has not come: no gradients, batch-norm and dropout stand still."""
        self.model.train()
        backbone = self.model.get_submodule("backbone")
        config = self.fit.config
        epochs = config.unfreeze_epochs or (config.freeze_backbone_epochs,)
        set_trainable(backbone, trainable_blocks(self.progress.epoch, epochs, len(backbone_blocks(backbone))))

    def _steps_now(self, position: int, n_batches: int) -> bool:
        return (position + 1) % self.fit.config.accumulate_batches == 0 or position + 1 == n_batches

    def _set_rate(self, factor: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor

    def _report_step(self, n_photos: int, n_batches: int, seconds: float) -> None:
        progress = self.progress
        self.listener.on_step(
            StepReport(
                fold=self.fit.source.fold,
                epoch=progress.epoch,
                epochs=self.fit.config.epochs,
                position=progress.position,
                n_batches=n_batches,
                n_photos=n_photos,
                loss=self.losses.latest,
                seconds=seconds,
            )
        )

    def _take_losses(self) -> None:
        """Add up the losses that were not read yet. ``DivergedError`` for the first one that is not finite."""
        for position, value in self.losses.read():
            if not math.isfinite(value):
                raise DivergedError(self._not_finite(position, value))
            self.progress.loss_sum += value
            self.progress.loss_batches += 1

    def _not_finite(self, position: int, value: float) -> str:
        photos = self.fit.source.table.photo_N[self.fit.source.plan(self.progress.epoch)[position]]
        return (
            f"the loss must be finite, got {value} in epoch {self.progress.epoch + 1}, batch {position + 1} "
            f"(photos {', '.join(photos[:3])}, …). Lower train.optimizer.rate, set train.clip_norm, or use fp32."
        )

    # --- what survives a kill --------------------------------------------------------------------------------------

    def _save_state_in_time(self, request: StopRequest, at_step: bool) -> None:
        """Save when it is time or when asked to stop; only between steps, as half-summed gradients are not saved."""
        due = time.monotonic() - self.saved_at >= self.fit.runtime.checkpoint_every_s
        if at_step and (due or request.signal_number is not None):
            self._save_state()
            request.raise_if_asked()

    def _save_state(self) -> None:
        self._take_losses()
        save_checkpoint(
            self.folder,
            {
                "progress": dataclasses.asdict(self.progress),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "average": None if self.average is None else self.average.model.state_dict(),
                "average_steps": 0 if self.average is None else self.average.steps,
            },
        )
        self.saved_at = time.monotonic()

    def _resume(self) -> None:
        state, warnings = load_checkpoint(self.folder)
        for warning in warnings:
            self.listener.on_note(warning)
        if state is None:
            return
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.model.load_state_dict(state["average"])
            self.average.steps = state["average_steps"]
        at = self.progress
        self.listener.on_note(f"continues in epoch {at.epoch + 1} after {at.position} batches")


def batches_of_step(position: int, n_batches: int, accumulate_batches: int) -> int:
    """How many batches share the step of the batch at ``position``; the last step of an epoch may have fewer."""
    first = position - position % accumulate_batches
    return min(accumulate_batches, n_batches - first)


def refuse_long_accumulation(accumulate_batches: int, n_batches: int) -> None:
    """``RecipeError`` where a step would take more batches than an epoch of ``n_batches`` has."""
    if accumulate_batches > n_batches:
        rule = f"at most the number of batches of an epoch ({n_batches})"
        remedy = "Lower it, or make the batches smaller."
        raise RecipeError(must("train.accumulate_batches", rule, accumulate_batches, remedy))


def trained_folder(folder: Path) -> bool:
    """Whether the training in ``folder`` came to its end."""
    return (folder / DONE).exists()


def train_model(fit: Fit, model: nn.Module, folder: Path, listener: Listener) -> nn.Module:
    """Train ``model`` in ``folder``, or load what was trained there; returns it with the kept weights, in eval mode."""
    if trained_folder(folder):
        load_weights(folder / WEIGHTS, model, fit.still)
        place_model(model, fit.device)
    else:
        Trainer(fit, model, folder, listener).run()
    return model.eval()
