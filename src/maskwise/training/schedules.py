"""Schedules: the factor of the learning rate in each step."""

from __future__ import annotations

import math
from typing import assert_never

from maskwise.recipe import schedule_config as kinds

_ALMOST = 1e-9
"""Of a step: 0.4 epochs of 5 steps are 2 steps, whatever the rounding."""


def rate_factor(
    config: kinds.ScheduleConfig, *, step: int, steps_per_epoch: int, epochs: int, warmup_epochs: float = 0.0
) -> float:
    """What the rate is multiplied by in ``step``, which counts from 0 over all epochs.

    During the W steps of the warm-up the factor rises linearly, 1 / W in the first step, 1 in the last. The schedule
    then runs over the steps that are left. Both are torch's schedulers, stepped after every step: LinearLR, then the
    schedule's own, joined by SequentialLR (for a whole W).
    """
    warmup_steps = warmup_epochs * steps_per_epoch
    if step < warmup_steps - _ALMOST:
        return min((step + 1) / warmup_steps, 1.0)
    done, total = step - warmup_steps, epochs * steps_per_epoch - warmup_steps
    match config:
        case kinds.Constant():
            return 1.0
        case kinds.Step():
            return config.gamma ** math.floor((done + _ALMOST) / (config.step_epochs * steps_per_epoch))
        case kinds.Cosine():
            return _cosine(1.0, config.final_share, done / total)
        case kinds.CosineRestarts():
            within = _progress_of_cycle(config.cycles, config.length_factor, done / total)
            return _cosine(1.0, config.final_share, within)
        case kinds.OneCycle():
            return _one_cycle(config, step, total)
        case kinds.Polynomial():
            return float((1 - done / total) ** config.power)
    assert_never(config)


def _cosine(begin: float, end: float, progress: float) -> float:
    """From ``begin`` to ``end`` along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * progress)) / 2


def _one_cycle(config: kinds.OneCycle, step: int, total: float) -> float:
    """The peak is step rise_share · total - 1, the end the last step."""
    peak, last = config.rise_share * total - 1, total - 1
    if step <= peak:
        return _cosine(config.start_share, 1.0, step / peak if peak > 0 else 1.0)
    return _cosine(1.0, config.final_share, (step - peak) / (last - peak))


def _progress_of_cycle(cycles: int, length_factor: float, progress: float) -> float:
    """How far the running cycle is, from 0 to below 1; together the cycles fill the progress from 0 to 1."""
    lengths = [length_factor**number for number in range(cycles)]
    left = progress * sum(lengths)
    for length in lengths[:-1]:
        if left < length - _ALMOST:
            return max(left / length, 0.0)
        left -= length
    return min(max(left / lengths[-1], 0.0), 1.0)
