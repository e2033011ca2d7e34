"""From a list of augmentation settings to one function of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

import numpy as np
from torch import Tensor

from maskwise.augment.config import Affine, AugmentConfig, Brightness, Erasing, Flip
from maskwise.augment.photos import affine, brightness, erasing, flip

Augment = Callable[[Tensor, np.random.Generator], Tensor]


def build_augment(configs: Sequence[AugmentConfig]) -> Augment:
    """All augmentations of ``configs``, one after the other. None of them is the identity."""
    steps = [build_augmentation(config) for config in configs]

    def augment(images_NCHW: Tensor, rng: np.random.Generator) -> Tensor:
        for step in steps:
            images_NCHW = step(images_NCHW, rng)
        return images_NCHW

    return augment


def build_augmentation(config: AugmentConfig) -> Augment:
    """The one augmentation that ``config`` describes."""
    match config:
        case Flip():
            return partial(flip, p=config.p)
        case Brightness():
            return partial(brightness, strength=config.strength, p=config.p)
        case Affine():
            return partial(affine, degrees=config.degrees, shift=config.shift, scale=config.scale, p=config.p)
        case Erasing():
            return partial(erasing, max_area=config.max_area, p=config.p)
    assert_never(config)
