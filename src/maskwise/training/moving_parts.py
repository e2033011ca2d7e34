"""What changes while a model trains, and what of it must survive a kill."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from maskwise.errors import DivergedError
from maskwise.records import Batch
from maskwise.training.averaging import MovingAverage
from maskwise.training.devices import place_model
from maskwise.training.finite import REMEDY, all_finite
from maskwise.training.optimizers import build_optimizer
from maskwise.training.training_inputs import Fit

MOST_SKIPS_IN_A_ROW = 10


@dataclass
class Progress:
    """Where a training stands: everything that must survive a kill, besides the tensors."""

    epoch: int = 0
    position: int = 0
    steps: int = 0
    loss_sum: float = 0.0
    loss_batches: int = 0
    epoch_seconds: float = 0.0
    best_score: float = -math.inf
    best_epoch: int = -1
    best_sha256: str = ""
    """Of the weights file of the best epoch, in hex digits."""
    log: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    skipped: int = 0
    """Steps left out so far, as their numbers were not finite."""
    skipped_in_a_row: int = 0
    epoch_is_whole: bool = True
    """Whether no step of this epoch was left out: only then it can be the best."""
    rate_share: float = 1.0
    """What steps that were left out made of the rate."""
    halvings: int = 0
    """How often memory was too short for a batch as a whole."""

    def count_skip(self, problem: str) -> None:
        """A step is not taken: the rate is halved. ``DivergedError`` after too many in a row."""
        self.skipped += 1
        self.skipped_in_a_row += 1
        self.rate_share /= 2
        if self.skipped_in_a_row > MOST_SKIPS_IN_A_ROW:
            raise DivergedError(f"{problem} {MOST_SKIPS_IN_A_ROW} steps before it were left out, too. {REMEDY}")


class UnfinishedStep:
    """The batches whose gradients are being added up, and the statistics of the model from before them."""

    def __init__(self, model: nn.Module) -> None:
        self.batches: list[tuple[int, Batch]] = []
        """(position in the epoch, batch)"""
        self.left_out = False
        """Whether this step will not be taken."""
        self._statistics = list(model.buffers())
        self._before = [each.clone() for each in self._statistics]

    def begin(self) -> None:
        """Before the first batch of a step."""
        self.batches, self.left_out = [], False
        if self._before:
            torch._foreach_copy_(self._before, self._statistics)

    def restore_statistics(self) -> None:
        """As before the step, whatever its forward passes did to them."""
        if self._before:
            torch._foreach_copy_(self._statistics, self._before)


class MovingParts:
    """Model, optimizer, average, scaler and progress of one training."""

    def __init__(self, fit: Fit, model: nn.Module) -> None:
        config = fit.config
        self.model = place_model(model, fit.device, config.layout)
        self.optimizer = build_optimizer(config.optimizer, self.model, config.layer_decay, config.pretrained_share)
        self.average = MovingAverage(self.model, config.ema_decay) if config.ema_decay else None
        self.scaler = torch.amp.GradScaler(fit.device.type, enabled=config.precision == "fp16")
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.progress = Progress()

    @property
    def kept_model(self) -> nn.Module:
        """The weights that are scored and shipped."""
        return self.average.model if self.average is not None else self.model

    @property
    def are_finite(self) -> bool:
        """Whether every weight and every statistic is a finite number; on a GPU this waits."""
        return all_finite([*self.model.parameters(), *self.model.buffers()])

    def set_rate(self, factor: float) -> None:
        """The rate of the next step, as a share of the recipe's."""
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor * self.progress.rate_share

    def as_saved(self) -> dict[str, Any]:
        """All of it as tensors, numbers, strings, lists and dicts."""
        return {
            "progress": dataclasses.asdict(self.progress),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.model.state_dict(),
            "average_steps": 0 if self.average is None else self.average.steps,
        }

    def load_saved(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was saved."""
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.model.load_state_dict(state["average"])
            self.average.steps = state["average_steps"]
