"""The losses of the batches, read off the device a few at a time.

To read a number off a GPU is to wait until everything that was asked of it before is done, and then it has nothing to
do until the next step was put together. So there the losses stay where they are for a while.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

READ_EVERY = 32
"""Steps on a GPU between two readings: a loss that is not finite is found so much later, before anything is saved."""


class LossesSeen:
    """Losses that were noted and not yet read, with the position of their batch."""

    def __init__(self, device: torch.device) -> None:
        self.read_every = 1 if device.type == "cpu" else READ_EVERY
        self.latest = float("nan")
        """The last one that was read."""
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
