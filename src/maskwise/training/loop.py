"""The training loop: a model, a source of batches, an objective, and what is kept of them. One page, plain PyTorch."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np
from torch import nn

from maskwise.errors import DivergedError, StoreError, must
from maskwise.files import sha256_of, write_atomically
from maskwise.listeners import EpochReport, Listener, StepReport
from maskwise.memory import keep_freed_memory
from maskwise.training.batches import epoch_batches
from maskwise.training.checkpoints import (
    delete_checkpoints,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from maskwise.training.devices import place_model
from maskwise.training.finite import REMEDY, NotFiniteError, photos_named
from maskwise.training.fold_files import DONE, LOG, WEIGHTS, read_done, write_done
from maskwise.training.inference import predict_table
from maskwise.training.moving_parts import MovingParts, Progress
from maskwise.training.processes import from_first, highest, load_in_all
from maskwise.training.step import Stepper, refuse_long_accumulation
from maskwise.training.stopping import StopRequest, stop_request
from maskwise.training.training_inputs import Fit


class Trainer:
    """One training: its moving parts, and the listener that hears of it."""

    def __init__(self, fit: Fit, model: nn.Module, folder: Path, listener: Listener) -> None:
        self.fit, self.folder, self.listener = fit, folder, listener
        self.parts = MovingParts(fit, model)
        self.stepper = Stepper(fit, self.parts, listener)
        self.saved_at = time.monotonic()

    @property
    def progress(self) -> Progress:
        """Where it stands."""
        return self.parts.progress

    # --- the story -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Train to the end, from the saved state if there is one; leaves ``weights.safetensors`` and ``fold.json``."""
        keep_freed_memory()
        refuse_long_accumulation(self.fit.config.accumulate_batches, len(self.fit.source.plan(self.progress.epoch)))
        if not self._resume() and self.fit.config.on_nonfinite == "skip":
            self._save_state()  # so that there is always one to go back to
        with stop_request() as request:
            while self.progress.epoch < self.fit.config.epochs and not self._out_of_patience():
                if self.train_epoch(request) and self._weights_are_finite():
                    self._end_epoch()
                    self._save_state()
                    share_request(request)
                    request.raise_if_asked()
        self._finish()

    def train_epoch(self, request: StopRequest) -> bool:
        """The batches of an epoch that are left, without what comes at its end.

        False where the weights were lost on the way: then the training stands where it was saved last.
        """
        fit, progress = self.fit, self.progress
        self.stepper.begin_epoch(progress.epoch)
        started = time.perf_counter()
        batches = epoch_batches(fit.source, progress.epoch, progress.position, fit.runtime.workers, fit.device)
        for position, n_batches, batch in batches:
            try:
                self.stepper.learn(batch, position, n_batches)
            except NotFiniteError as wrong:
                if not self._leave_out(wrong, position):
                    return False
            if self.stepper.losses.due:
                self._take_losses()
            progress.position = position + 1
            seconds = time.perf_counter() - started
            started = time.perf_counter()
            progress.epoch_seconds += seconds
            self._report_step(len(batch.class_N), n_batches, seconds)
            self._save_state_in_time(request, at_step=self.stepper.completes_step(position, n_batches))
        return True

    def _end_epoch(self) -> None:
        """Score the validation people, keep the weights if they are the best so far, write the log."""
        fit, progress = self.fit, self.progress
        self._take_losses()
        macro_f1, accuracy = self._score_selection()
        best = progress.epoch_is_whole and (macro_f1 is None or macro_f1 > progress.best_score)
        if best:
            progress.best_score = -math.inf if macro_f1 is None else macro_f1
            progress.best_epoch = progress.epoch
            # Without validation people the next epoch replaces this one, unless a step of it is left out.
            last = progress.epoch == fit.config.epochs - 1
            if macro_f1 is not None or last or fit.config.on_nonfinite == "skip":
                progress.best_sha256 = save_weights(self.folder / WEIGHTS, self.parts.kept_model, fit.still)
        report = EpochReport(
            fold=fit.source.fold,
            epoch=progress.epoch,
            epochs=fit.config.epochs,
            loss=progress.loss_sum / max(progress.loss_batches, 1),
            rate=self.parts.optimizer.param_groups[0]["lr"],
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
        progress.epoch_is_whole = True

    def _finish(self) -> None:
        if self.progress.best_epoch < 0:
            got = f"none ({self.progress.skipped} were left out)"
            raise DivergedError(must("epochs without a step left out", "one or more", got, REMEDY))
        weights = self.folder / WEIGHTS
        if self.progress.best_sha256 and (not weights.is_file() or sha256_of(weights) != self.progress.best_sha256):
            got = "others: the file was changed or damaged"
            raise StoreError(must(str(weights), "those of the best epoch", got, "Train the run again with --force."))
        load_shared(self.folder, self.parts.model, self.fit)
        summary = {
            "best_epoch": self.progress.best_epoch,
            "best_macro_f1": self.progress.best_score if self.fit.selection else None,
            "epochs": self.progress.epoch,
            "steps": self.progress.steps,
            "seconds": round(sum(line["seconds"] for line in self.progress.log), 1),
        }
        write_done(self.folder, summary)
        delete_checkpoints(self.folder)

    # --- details ---------------------------------------------------------------------------------------------------

    def _score_selection(self) -> tuple[float | None, float | None]:
        selection = self.fit.selection
        if selection is None:
            return None, None
        predicted = predict_table(self.parts.kept_model, selection.read, len(selection.table), self.fit.inference)
        if not np.isfinite(predicted.probs_NC).all():
            self._refuse_epoch("the probabilities of validation people")
        return selection.score(selection.table, np.nan_to_num(predicted.probs_NC))

    def _refuse_epoch(self, what: str) -> None:
        """Stop, or go on with an epoch that cannot be the best, as the recipe says."""
        problem = f"{what} must be finite, got infinity or no number after epoch {self.progress.epoch + 1}."
        if self.fit.config.on_nonfinite == "stop":
            raise DivergedError(f"{problem} {REMEDY}")
        self.progress.epoch_is_whole = False
        self.listener.on_note(f"{problem} The epoch cannot be the one that is kept.")

    def _out_of_patience(self) -> bool:
        selection, progress = self.fit.selection, self.progress
        if selection is None or selection.patience_epochs is None or progress.best_epoch < 0:
            return False
        waited = progress.epoch - 1 - progress.best_epoch
        if waited < selection.patience_epochs:
            return False
        self.listener.on_note(f"stopped early: no better score for {waited} epochs")
        return True

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
                loss=self.stepper.losses.latest,
                seconds=seconds,
            )
        )

    def _take_losses(self) -> None:
        """Add up the losses that were not read yet. ``DivergedError`` for the first one that is not finite."""
        for position, value in self.stepper.losses.read():
            if not math.isfinite(value):
                photos = self.fit.source.table.photo_N[self.fit.source.plan(self.progress.epoch)[position]]
                raise DivergedError(f"{self._not_finite('loss', position, photos_named(photos, None))} {REMEDY}")
            self.progress.loss_sum += value
            self.progress.loss_batches += 1

    # --- when numbers go wrong -------------------------------------------------------------------------------------

    def _not_finite(self, what: str, position: int, photos: str) -> str:
        place = f"epoch {self.progress.epoch + 1}, batch {position + 1} (photos {photos})"
        return f"the {what} must be finite, got infinity or no number in {place}."

    def _leave_out(self, wrong: NotFiniteError, position: int) -> bool:
        """Undo the step of the batch at ``position``; stop or go on, as the recipe says. False: weights are lost."""
        photos = self.fit.source.table.photo_N[self.fit.source.plan(self.progress.epoch)[position]]
        problem = self._not_finite(wrong.what, position, photos_named(photos, wrong.suspect_N))
        self.stepper.undo()
        if not self.parts.are_finite:
            return self._go_back(problem)
        if self.fit.config.on_nonfinite == "stop":
            if len(self.stepper.unfinished.batches) == 1:
                self._save_state()
            raise DivergedError(f"{problem} {REMEDY}")
        self.stepper.unfinished.left_out = True
        self.progress.epoch_is_whole = False
        self.progress.count_skip(problem)
        self.listener.on_note(f"{problem} The step is left out, and the rate halved.")
        return True

    def _weights_are_finite(self) -> bool:
        """At the end of an epoch: its last step may have lost the weights, and no batch came after it to show it."""
        if self.parts.are_finite:
            return True
        photos = self.fit.source.table.photo_N[self.fit.source.plan(self.progress.epoch)[-1]]
        return self._go_back(self._not_finite("weights", self.progress.position - 1, photos_named(photos, None)))

    def _go_back(self, problem: str) -> bool:
        """The weights themselves are lost: stop, or go on from the last saved state, as the recipe says."""
        if self.fit.config.on_nonfinite == "stop":
            raise DivergedError(f"{problem} {REMEDY}")
        lost = self.progress
        self._resume()
        for name in ("skipped", "skipped_in_a_row", "rate_share"):
            setattr(self.progress, name, getattr(lost, name))
        self.progress.count_skip(problem)
        self.stepper.losses.forget()
        self.listener.on_note(f"{problem} Back to the last saved state, with half the rate.")
        self._save_state()
        return False

    # --- what survives a kill --------------------------------------------------------------------------------------

    def _save_state_in_time(self, request: StopRequest, at_step: bool) -> None:
        """Save when it is time or before a stop; only between steps, as half-summed gradients are not saved."""
        due = time.monotonic() - self.saved_at >= self.fit.runtime.checkpoint_every_s
        share_request(request)
        if at_step and (due or request.signal_number is not None):
            self._save_state()
            request.raise_if_asked()

    def _save_state(self) -> None:
        """Save where the training stands, unless its weights are lost: that shows at the next batch or epoch's end."""
        self._take_losses()
        if self.parts.are_finite:
            save_checkpoint(self.folder, self.parts.as_saved())
        self.saved_at = time.monotonic()

    def _resume(self) -> bool:
        """Go on from the saved state; False where there is none."""
        state, warnings = from_first(lambda: load_checkpoint(self.folder))
        for warning in warnings:
            self.listener.on_note(warning)
        if state is None:
            return False
        self.parts.load_saved(state)
        at = self.progress
        self.listener.on_note(f"continues in epoch {at.epoch + 1} after {at.position} batches")
        return True


def trained_folder(folder: Path) -> bool:
    """Whether the training in ``folder`` came to its end. ``StoreError`` where what it left was damaged since."""
    return from_first(lambda: (folder / DONE).exists() and bool(read_done(folder)))


def load_shared(folder: Path, model: nn.Module, fit: Fit) -> None:
    """The weights that the training in ``folder`` kept, into ``model`` in every process."""
    load_in_all(lambda: load_weights(folder / WEIGHTS, model, fit.still), model)


def share_request(request: StopRequest) -> None:
    """A signal that any process got is all processes' signal, so that they stop after the same step."""
    request.signal_number = highest(request.signal_number or 0) or None


def train_model(fit: Fit, model: nn.Module, folder: Path, listener: Listener) -> nn.Module:
    """Train ``model`` in ``folder``, or load what was trained there; returns it with the kept weights, in eval mode."""
    if trained_folder(folder):
        place_model(model, fit.device)
        load_shared(folder, model, fit)
    else:
        Trainer(fit, model, folder, listener).run()
    return model.eval()
