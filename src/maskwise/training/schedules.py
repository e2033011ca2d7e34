"""Learning-rate schedules as pure functions of the time in epochs."""

from __future__ import annotations

import math
from typing import assert_never

from maskwise.recipe import schedule_config as kinds


def rate_factor(config: kinds.ScheduleConfig, warmup_epochs: float, epochs: int, time_epochs: float) -> float:
    """What the rate is multiplied by at ``time_epochs`` (0 at the first step, towards ``epochs`` at the last).

    During warm-up the factor rises linearly; the schedule then runs over the epochs that are left.
    """
    if time_epochs < warmup_epochs:
        return time_epochs / warmup_epochs
    progress = min((time_epochs - warmup_epochs) / (epochs - warmup_epochs), 1.0)
    match config:
        case kinds.Constant():
            return 1.0
        case kinds.Step():
            return config.gamma ** int(time_epochs // config.step_epochs)
        case kinds.Cosine():
            return _cosine(1.0, config.final_share, progress)
        case kinds.CosineRestarts():
            within = _progress_of_cycle(config.cycles, config.length_factor, progress)
            return _cosine(1.0, config.final_share, within)
        case kinds.OneCycle():
            return _one_cycle(config, progress)
        case kinds.Polynomial():
            return float((1 - progress) ** config.power)
    assert_never(config)


def _cosine(begin: float, end: float, progress: float) -> float:
    """From ``begin`` to ``end`` along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * progress)) / 2


def _one_cycle(config: kinds.OneCycle, progress: float) -> float:
    if progress < config.rise_share:
        return _cosine(config.start_share, 1.0, progress / config.rise_share)
    return _cosine(1.0, config.final_share, (progress - config.rise_share) / (1 - config.rise_share))


def _progress_of_cycle(cycles: int, length_factor: float, progress: float) -> float:
    """How far the running cycle is, 0 … 1. The moment between two cycles is the end of the earlier one.

    The time of a step is the time at its end, so the last step of a cycle has its smallest rate, not the next one's
    largest: what an epoch leaves behind is settled.
    """
    lengths = [length_factor**number for number in range(cycles)]
    left = progress * sum(lengths)
    for length in lengths:
        if left <= length * (1 + 1e-9):
            return min(left / length, 1.0)
        left -= length
    return 1.0
