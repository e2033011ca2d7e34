"""Losses and gradients that are infinite or no number, found in their step; and the losses of an epoch.

To read a number off a GPU is to wait until all work queued before it is done, and then it has nothing to do until the
next step was put together. So there the losses stay where they are for a while, unless steps are to be
left out: that has to be known before they are taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from maskwise.recipe.train_config import OnNonfinite
from maskwise.records import Output, Strings

READ_EVERY = 32
"""Steps on a GPU between two readings: a loss that is not finite is found so much later, before anything is saved."""
REMEDY = (
    "Lower train.optimizer.rate, set train.clip_norm, use fp32, or let train.on_nonfinite=skip leave such steps out."
)
_NAMED = 5


class NotFiniteError(Exception):
    """A step must not be taken: its loss or its gradient is not finite."""

    def __init__(self, what: str, suspect_N: Tensor | None = None) -> None:
        self.what = what
        self.suspect_N = suspect_N
        """Which photos of the batch made it so, where that is known."""
        super().__init__(what)


class LossesSeen:
    """The losses of the batches, read at once or a few at a time, with the position of their batch."""

    def __init__(self, device: torch.device, on_nonfinite: OnNonfinite) -> None:
        self.at_once = device.type == "cpu" or on_nonfinite == "skip"
        """Whether a step is judged before it is taken."""
        self.read_every = 1 if self.at_once else READ_EVERY
        self.latest: float | None = None
        """The last one that was read; None before the first reading."""
        self._unread: list[tuple[int, Tensor]] = []

    def note(self, position: int, loss: Tensor) -> None:
        """Keep the loss, a scalar tensor, of the batch at ``position``."""
        self._unread.append((position, loss))

    @property
    def due(self) -> bool:
        """Whether enough have come together to be read."""
        return len(self._unread) >= self.read_every

    def read(self) -> Iterator[tuple[int, float]]:
        """(position, loss) of all that were not read yet, which waits for the device once."""
        if not self._unread:
            return
        positions, losses = zip(*self._unread, strict=True)
        self._unread = []
        for position, value in zip(positions, torch.stack(losses).tolist(), strict=True):
            self.latest = value
            yield position, value

    def forget(self) -> None:
        """Drop those that were not read yet."""
        self._unread = []

    def refuse_loss(self, loss: Tensor, output: Output) -> None:
        """``NotFiniteError`` for a loss that is not finite, where steps are judged before they are taken."""
        if self.at_once and not math.isfinite(loss.item()):
            raise NotFiniteError("loss", ~torch.isfinite(output.logits_NC.detach()).all(dim=1).cpu())

    def refuse_gradients(self, gradients: Iterable[Tensor | None]) -> None:
        """``NotFiniteError`` for a gradient that is not finite, where steps are judged before they are taken."""
        if self.at_once and not all_finite([each for each in gradients if each is not None]):
            raise NotFiniteError("gradient")


def all_finite(tensors: Sequence[Tensor]) -> bool:
    """Whether all numbers in ``tensors`` are finite: their sum is, and costs a tenth of checking each of them."""
    floating = [tensor.detach() for tensor in tensors if tensor.is_floating_point()]
    return not floating or math.isfinite(torch.stack([tensor.sum() for tensor in floating]).sum().item())


def photos_named(photo_N: Strings, suspect_N: Tensor | None) -> str:
    """A few photos of a batch: those under suspicion, or the first ones where none or all are."""
    if suspect_N is not None and suspect_N.any() and not suspect_N.all():
        photo_N = photo_N[suspect_N.numpy()]
    more = ", …" if len(photo_N) > _NAMED else ""
    return ", ".join(photo_N[:_NAMED]) + more
