"""From settings to functions of a batch: augmentations (photo → photo) and mixing (photos of a batch share pixels)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

import numpy as np
from torch import Tensor

from maskwise.augment.config import (
    Affine,
    AugmentConfig,
    AutoAugment,
    Brightness,
    Contrast,
    CutMix,
    Erasing,
    Flip,
    HalfCutMix,
    MixingConfig,
    MixUp,
    Noise,
    NoMixing,
    RandAugment,
    TrivialAugment,
)
from maskwise.augment.mixing import Mixed, cutmix, half_cutmix, mixup, no_mixing
from maskwise.augment.photos import affine, brightness, contrast, erasing, flip, noise
from maskwise.augment.policies import auto_augment, rand_augment, trivial_augment
from maskwise.errors import RecipeError, must

Augment = Callable[[Tensor, np.random.Generator], Tensor]
Mix = Callable[[Tensor, Tensor, np.random.Generator], Mixed]


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
        case Contrast():
            return partial(contrast, strength=config.strength, p=config.p)
        case Noise():
            return partial(noise, std=config.std, p=config.p)
        case Affine():
            return partial(affine, degrees=config.degrees, shift=config.shift, scale=config.scale, p=config.p)
        case Erasing():
            return partial(erasing, max_area=config.max_area, p=config.p)
        case AutoAugment():
            return partial(auto_augment, p=config.p)
        case RandAugment():
            return partial(rand_augment, n_ops=config.n_ops, magnitude=config.magnitude, p=config.p)
        case TrivialAugment():
            return partial(trivial_augment, p=config.p)
    assert_never(config)


def build_mixing(config: MixingConfig, oldest_classes: tuple[int, ...]) -> Mix:
    """The mixing that ``config`` describes.

    ``oldest_classes`` are the joint classes of the task's oldest age group, none for a task without age. Raises
    RecipeError where the config needs some and there are none.
    """
    match config:
        case NoMixing():
            return no_mixing
        case MixUp():
            return partial(mixup, alpha=config.alpha, p=config.p)
        case CutMix():
            return partial(cutmix, alpha=config.alpha, p=config.p)
        case HalfCutMix():
            return _build_half_cutmix(config, oldest_classes)
    assert_never(config)


def _build_half_cutmix(config: HalfCutMix, oldest_classes: tuple[int, ...]) -> Mix:
    if config.partner == "oldest" and not oldest_classes:
        raise RecipeError(
            must(
                "mixing.partner",
                "'any' or 'same_class' where age is not an attribute",
                config.partner,
                "Choose one of them, or add 'age' to task.attributes.",
            )
        )
    return partial(
        half_cutmix,
        halves=config.halves,
        partner=config.partner,
        oldest_classes=oldest_classes,
        jitter=config.jitter,
        p=config.p,
    )
