"""From settings to a sampler."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, assert_never

from maskwise.sampling import config as kinds
from maskwise.sampling import samplers
from maskwise.sampling.samplers import Sampler, TimesShown


class Sampling(NamedTuple):
    """A sampler and what it promises."""

    sample: Sampler
    times_shown: TimesShown


def build_sampling(config: kinds.SamplerConfig) -> Sampling:
    """The sampler that ``config`` describes."""
    match config:
        case kinds.Natural():
            return Sampling(samplers.sample_natural, samplers.times_natural)
        case kinds.Weighted():
            return Sampling(samplers.sample_weighted, samplers.times_even_classes)
        case kinds.BalancedBatches():
            return Sampling(samplers.sample_balanced_batches, samplers.times_even_classes)
        case kinds.OversampleRare(share=share):
            return Sampling(
                partial(samplers.sample_oversample_rare, share=share),
                partial(samplers.times_oversample_rare, share=share),
            )
        case kinds.OversampleGroup(share=share, group=group):
            return Sampling(
                partial(samplers.sample_oversample_group, share=share, group=group),
                partial(samplers.times_oversample_group, share=share, group=group),
            )
        case kinds.OversampleRandom(factor=factor):
            return Sampling(
                partial(samplers.sample_oversample_random, factor=factor),
                partial(samplers.times_oversample_random, factor=factor),
            )
        case kinds.UndersampleMasked(photos_per_person=photos, then=then):
            return Sampling(
                partial(samplers.sample_undersample_masked, photos_per_person=photos, then=build_sampling(then).sample),
                partial(
                    samplers.times_undersample_masked,
                    photos_per_person=photos,
                    even_classes=not isinstance(then, kinds.Natural),
                ),
            )
        case _:
            assert_never(config)
