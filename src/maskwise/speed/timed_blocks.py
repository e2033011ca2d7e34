"""Speeds in blocks, by turns, so that whatever else the machine does meets all that is compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from maskwise.training.devices import wait_for

WARM_UP_S = 1.0
TimedBlock = Callable[[float], float]
"""Seconds to work → photos per second."""


def by_turns(blocks: dict[str, TimedBlock], block_s: float, rounds: int) -> dict[str, list[float]]:
    """The speeds of all blocks, one of each a round; a short one of each first warms up.

    Every other round goes backwards, so that no block always meets what the same one before it left behind.
    """
    for block in blocks.values():
        block(WARM_UP_S)
    speeds: dict[str, list[float]] = {name: [] for name in blocks}
    names = list(blocks)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            speeds[name].append(blocks[name](block_s))
    return speeds


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(one / two for one, two in zip(above, below, strict=True))


def block_of(step: Callable[[], int], device: torch.device) -> TimedBlock:
    """``step`` (→ photos) on ``device`` again and again until the time is over."""

    def block(length_s: float) -> float:
        started, photos = time.perf_counter(), 0
        while time.perf_counter() - started < length_s or not photos:
            photos += step()
        wait_for(device)
        return photos / (time.perf_counter() - started)

    return block
