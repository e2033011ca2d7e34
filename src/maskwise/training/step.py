"""From a batch to a step: forward, backward, and the optimizer's step where the accumulated batches are complete.

A batch goes through in parts where memory is too short for it, and a step whose numbers are not finite is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from maskwise.errors import RecipeError, must
from maskwise.listeners import Listener
from maskwise.losses.weighted_sum import weighted_mean
from maskwise.records import Batch, Output
from maskwise.seeds import torch_seed_for
from maskwise.training.batch_size import halved, ran_out_of_memory
from maskwise.training.batches import parts_of_batch
from maskwise.training.blocks import backbone_blocks
from maskwise.training.depthwise import quicken_depthwise
from maskwise.training.devices import autocast, laid_out, learner, seed_torch
from maskwise.training.finite import LossesSeen
from maskwise.training.freezing import learnable_blocks, set_trainable, trainable_blocks
from maskwise.training.moving_parts import MovingParts, UnfinishedStep
from maskwise.training.processes import (
    add_up_gradients,
    average_statistics,
    gathered,
    n_processes,
    own_images,
    process_number,
)
from maskwise.training.schedules import rate_factor
from maskwise.training.synced_norms import norms_over_all
from maskwise.training.training_inputs import Fit


class Stepper:
    """Makes steps of batches; the losses wait in ``losses`` to be read."""

    def __init__(self, fit: Fit, parts: MovingParts, listener: Listener) -> None:
        self.fit, self.parts, self.listener = fit, parts, listener
        quicken_depthwise(parts.model)
        self.sync = fit.config.batch_norm == "sync"
        # What replaces batch norms below cannot be compiled.
        step = "eager" if self.sync and n_processes() > 1 else fit.runtime.step
        self.forward = learner(parts.model, step)
        self.objective = fit.objective_at(0.0)
        self.losses = LossesSeen(fit.device, fit.config.on_nonfinite)
        self.unfinished = UnfinishedStep(parts.model)

    def begin_epoch(self, epoch: int) -> None:
        """What learns and what is minimized from this epoch on."""
        self._set_frozen(epoch)
        self.objective = self.fit.objective_at(epoch / self.fit.config.epochs)

    def learn(self, batch: Batch, position: int, n_batches: int) -> None:
        """The gradients of a batch and, where it completes a step, the step. ``NotFiniteError`` leaves it untaken."""
        if position % self.fit.config.accumulate_batches == 0:
            self.unfinished.begin()
        if self.unfinished.left_out:
            return
        self.unfinished.batches.append((position, batch))
        self._fit_into_memory(n_batches)
        if self.completes_step(position, n_batches):
            self._step(position, n_batches)

    def completes_step(self, position: int, n_batches: int) -> bool:
        """Whether a step follows the batch at ``position``."""
        return (position + 1) % self.fit.config.accumulate_batches == 0 or position + 1 == n_batches

    def undo(self) -> None:
        """Forget the unfinished step: no gradients, statistics as before it, its losses unread."""
        self._forget_gradients()
        self.losses.forget()

    def try_step(self, batch: Batch) -> Tensor:
        """One whole step on ``batch`` as in the last epoch, when most of the model learns. Returns the loss.

        For trying out what a step needs; nothing is saved, and the gradients of a step that failed are forgotten.
        """
        self.parts.optimizer.zero_grad(set_to_none=True)
        self.parts.progress.epoch = self.fit.config.epochs - 1
        self._set_frozen(self.parts.progress.epoch)
        loss = self._add_gradients(batch, position=0, n_batches=1)
        self._step(position=0, n_batches=1)
        return loss

    def _fit_into_memory(self, n_batches: int) -> None:
        """The newest batch's gradients; where memory is short, all of the step's again, with batches in halves."""
        left = self.unfinished.batches[-1:]
        if n_processes() > 1:  # one that went through its part again would leave the others waiting
            self._add_gradients_of(left, n_batches)
            return
        while ran_out_of_memory(partial(self._add_gradients_of, left, n_batches)):
            self.parts.progress.halvings += 1
            self.listener.on_note(halved(self.fit.config.batch_size, self.parts.progress.halvings))
            self._forget_gradients()
            left = self.unfinished.batches

    def _add_gradients_of(self, batches: Sequence[tuple[int, Batch]], n_batches: int) -> None:
        for position, batch in batches:
            loss = self._add_gradients(batch, position, n_batches)
        self.losses.note(position, loss)

    def _add_gradients(self, batch: Batch, position: int, n_batches: int) -> Tensor:
        """Forward and backward, in as many parts as memory needs. Returns the loss, unread."""
        fit = self.fit
        place = (
            fit.source.fold,
            self.parts.progress.epoch,
            position,
            *([process_number()] if process_number() else []),
        )
        seed_torch(torch_seed_for(fit.source.seed, "dropout", *place), fit.device)
        shared = batches_of_step(position, n_batches, fit.config.accumulate_batches)
        losses = []
        for part, share in parts_of_batch(batch, 2**self.parts.progress.halvings):
            with autocast(fit.device, fit.config.precision), norms_over_all(self.sync):
                output = self.forward(laid_out(fit.inference.of_batch(own_images(part)), fit.config.layout))
            output = gathered(output, len(part.class_N))
            loss = self.loss_of(output, part) * share
            self.losses.refuse_loss(loss, output)
            self.parts.scaler.scale(loss / shared).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def loss_of(self, output: Output, batch: Batch) -> Tensor:
        """The loss of a batch: the objective, with a teacher its part, and the auxiliary term where there is one."""
        logits_NC, attribute_logits_NA = output.logits_NC.float(), output.attribute_logits_NA
        loss = self.objective(logits_NC, batch.target_NC, batch.weight_N, attribute_logits_NA)
        if self.fit.distilled is not None and batch.teacher_NC is not None:
            loss = self.fit.distilled(loss, logits_NC, batch.teacher_NC, batch.weight_N)
        if self.fit.auxiliary is None:
            return loss
        term_N = self.fit.auxiliary(output, batch.age_years_N)
        if batch.partner_age_years_N is not None and batch.own_share_N is not None:
            # KL is linear in the age distribution up to its entropy, so this is the gradient of the mixed distribution.
            term_N = torch.lerp(self.fit.auxiliary(output, batch.partner_age_years_N), term_N, batch.own_share_N)
        return loss + weighted_mean(term_N, batch.weight_N)

    def _step(self, position: int, n_batches: int) -> None:
        config, parts = self.fit.config, self.parts
        steps_per_epoch = -(-n_batches // config.accumulate_batches)
        parts.set_rate(
            rate_factor(
                config.schedule,
                step=self.parts.progress.epoch * steps_per_epoch + position // config.accumulate_batches,
                steps_per_epoch=steps_per_epoch,
                epochs=config.epochs,
                warmup_epochs=config.warmup_epochs,
            )
        )
        add_up_gradients(parts.model.parameters())
        if not self.sync:
            average_statistics(parts.model)
        if not parts.scaler.is_enabled():  # which looks for itself, and leaves such steps out while it finds its scale
            self.losses.refuse_gradients(parameter.grad for parameter in parts.model.parameters())
        if config.clip_norm is not None:
            parts.scaler.unscale_(parts.optimizer)
            nn.utils.clip_grad_norm_(parts.model.parameters(), config.clip_norm)
        parts.scaler.step(parts.optimizer)
        parts.scaler.update()
        parts.optimizer.zero_grad(set_to_none=True)
        self.parts.progress.steps += 1
        self.parts.progress.skipped_in_a_row = 0
        if parts.average is not None:
            parts.average.update()

    def _forget_gradients(self) -> None:
        self.parts.optimizer.zero_grad(set_to_none=True)
        self.unfinished.restore_statistics()

    def _set_frozen(self, epoch: int) -> None:
        """Freeze the backbone's blocks whose epoch has not come: no gradients, batch-norm and dropout stand still."""
        self.parts.model.train()
        backbone = self.parts.model.get_submodule("backbone")
        config = self.fit.config
        epochs = config.unfreeze_epochs or (config.freeze_backbone_epochs,)
        n_blocks = learnable_blocks(config.frozen_blocks, len(backbone_blocks(backbone)))
        set_trainable(backbone, trainable_blocks(epoch, epochs, n_blocks))


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
