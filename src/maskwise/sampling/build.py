"""From settings to a sampler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling import config as kinds
from maskwise.sampling import samplers

Sampler = Callable[[PhotoTable, np.random.Generator], Ints]
"""``draw(table, rng) → index_M``: the positions of one epoch's photos, in the order in which they are shown."""


def build_sampler(config: kinds.SamplerConfig) -> Sampler:
    """The sampler that ``config`` describes."""
    match config:
        case kinds.Natural():
            return samplers.draw_natural
        case kinds.Weighted():
            return samplers.draw_weighted
        case kinds.BalancedBatches():
            return samplers.draw_balanced_batches
        case kinds.OversampleRare(share=share):
            return partial(samplers.draw_oversample_rare, share=share)
        case kinds.OversampleGroup(share=share, group=group):
            return partial(samplers.draw_oversample_group, share=share, group=group)
        case kinds.OversampleRandom(factor=factor):
            return partial(samplers.draw_oversample_random, factor=factor)
        case kinds.UndersampleMasked(photos_per_person=photos):
            return partial(samplers.draw_undersample_masked, photos_per_person=photos)
        case _:
            assert_never(config)
