"""From settings to a sampler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling import config as kinds
from maskwise.sampling.balanced_batches import draw_balanced_batches
from maskwise.sampling.natural import draw_natural
from maskwise.sampling.oversample_group import draw_oversample_group
from maskwise.sampling.oversample_random import draw_oversample_random
from maskwise.sampling.oversample_rare import draw_oversample_rare
from maskwise.sampling.undersample_masked import draw_undersample_masked
from maskwise.sampling.weighted import draw_weighted

Sampler = Callable[[PhotoTable, np.random.Generator], Ints]
"""``draw(table, rng) → index_M``: the positions of one epoch's photos, in the order in which they are shown."""


def build_sampler(config: kinds.SamplerConfig) -> Sampler:
    """The sampler that ``config`` describes."""
    match config:
        case kinds.Natural():
            return draw_natural
        case kinds.Weighted():
            return draw_weighted
        case kinds.BalancedBatches():
            return draw_balanced_batches
        case kinds.OversampleRare(share=share):
            return partial(draw_oversample_rare, share=share)
        case kinds.OversampleGroup(share=share, group=group):
            return partial(draw_oversample_group, share=share, group=group)
        case kinds.OversampleRandom(factor=factor):
            return partial(draw_oversample_random, factor=factor)
        case kinds.UndersampleMasked(photos_per_person=photos):
            return partial(draw_undersample_masked, photos_per_person=photos)
        case _:
            assert_never(config)
