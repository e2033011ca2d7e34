"""From settings to a sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling.config import Natural, SamplerConfig, Weighted
from maskwise.sampling.natural import draw_natural
from maskwise.sampling.weighted import draw_weighted

Sampler = Callable[[PhotoTable, np.random.Generator], Ints]
"""``draw(table, rng) → index_M``: the positions of one epoch's photos, in the order in which they are shown."""


def build_sampler(config: SamplerConfig) -> Sampler:
    """The sampler that ``config`` describes."""
    match config:
        case Natural():
            return draw_natural
        case Weighted():
            return draw_weighted
        case _:
            assert_never(config)
