"""The moving average of a model's weights (EMA; Polyak & Juditsky 1992).

torch.optim.swa_utils.AveragedModel does this too, but looks at its counter on the device in every step, for which a GPU
waits, and its decay does not grow.
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class MovingAverage:
    """A shadow of ``model`` whose floating tensors follow it slowly: ``shadow ← d · shadow + (1 − d) · weights``.

    The decay grows as (1 + t) / (10 + t) up to ``decay``, so that the first steps are not remembered for long.
    Batch-norm statistics are averaged too; whole numbers are copied. ``model`` must be where and laid out as it will
    stay: its tensors are looked up once, and learn in place.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.steps = 0
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        self._shadows = [shadow for shadow, _ in floating]
        self._weights = [weights for _, weights in floating]
        self._whole = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take one optimizer step of the model into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        # One call for all of them: most are so small that a call for each costs more than its sums.
        torch._foreach_lerp_(self._shadows, self._weights, 1 - decay)
        for shadow, current in self._whole:
            shadow.copy_(current)
