"""The moving average of a model's weights (EMA; Polyak & Juditsky 1992)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """A shadow of ``model`` whose floating tensors follow it slowly: ``shadow ← d · shadow + (1 − d) · weights``.

    The decay grows as (1 + t) / (10 + t) up to ``decay``, so that the first steps are not remembered for long.
    Batch-norm statistics are averaged too; whole numbers are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one optimiser step into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        # One call for all of them: most are so small that a call for each costs more than its sums.
        torch._foreach_lerp_([shadow for shadow, _ in floating], [current for _, current in floating], 1 - decay)
        for shadow, current in pairs:
            if not shadow.is_floating_point():
                shadow.copy_(current)


def _tensors(model: nn.Module) -> list[Tensor]:
    return list(model.state_dict().values())
