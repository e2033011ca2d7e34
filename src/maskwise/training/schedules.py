"""Learning-rate schedules as pure functions of the time in epochs."""

from __future__ import annotations

import math
from typing import assert_never

from maskwise.recipe.train_config import Constant, Cosine, ScheduleConfig, Step


def rate_factor(config: ScheduleConfig, warmup_epochs: float, epochs: int, time_epochs: float) -> float:
    """What the rate is multiplied by at ``time_epochs`` (0 at the first step, towards ``epochs`` at the last).

    During warm-up the factor rises linearly; the schedule then runs over the epochs that are left.
    """
    if time_epochs < warmup_epochs:
        return time_epochs / warmup_epochs
    progress = (time_epochs - warmup_epochs) / (epochs - warmup_epochs)
    match config:
        case Constant():
            return 1.0
        case Step():
            return config.gamma ** int(time_epochs // config.step_epochs)
        case Cosine():
            wave = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
            return config.final_share + (1 - config.final_share) * wave
    assert_never(config)
