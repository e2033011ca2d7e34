"""One contract for all augmentations and one for all mixings; what the settings refuse."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from maskwise.augment.build import Augment, Mix, build_augment, build_augmentation, build_mixing
from maskwise.augment.config import (
    AugmentConfig,
    Brightness,
    CutMix,
    Flip,
    HalfCutMix,
    MixingConfig,
    MixUp,
    NoMixing,
    RandAugment,
)
from maskwise.augment.mixing import cutmix, half_cutmix, mixup
from maskwise.augment.photos import affine, brightness, contrast, erasing, flip, noise
from maskwise.augment.policies import auto_augment, rand_augment, trivial_augment
from maskwise.errors import RecipeError

KINDS = get_args(get_args(AugmentConfig)[0])
OLDEST = (2, 5)
MIXINGS = (
    NoMixing(),
    MixUp(alpha=1.0, p=1.0),
    CutMix(p=1.0),
    *(
        HalfCutMix(halves=halves, partner=partner, p=1.0)
        for halves in ("left_right", "upper_lower")
        for partner in ("any", "same_class", "oldest")
    ),
)
DEVICES = ("cpu", pytest.param("cuda", marks=pytest.mark.gpu))


def images(n: int = 6, height: int = 12, width: int = 10) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, height, width), dtype=np.float32))


def targets(n: int = 6, n_classes: int = 6) -> Tensor:
    """One-hot but for the first row, which is soft."""
    target_NC = torch.eye(n_classes)[torch.arange(n) % n_classes]
    target_NC[0] = torch.softmax(torch.arange(n_classes, dtype=torch.float32), 0)
    return target_NC


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_augmentation_keeps_the_contract(kind: type, dtype: torch.dtype, device: str) -> None:
    augment = build_augmentation(kind(p=1.0))
    before = images(24).to(device, dtype)
    kept = before.clone()
    first, second = augment(before, np.random.default_rng(5)), augment(before, np.random.default_rng(5))
    assert (first.shape, first.dtype, first.device) == (before.shape, dtype, before.device)
    assert torch.equal(first, second)
    assert torch.equal(before, kept)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not torch.equal(first, augment(before, np.random.default_rng(6))) or kind is Flip


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_every_augmentation_gives_the_same_pictures_on_the_gpu(kind: type) -> None:
    augment = build_augmentation(kind(p=1.0))
    on_cpu = augment(images(24), np.random.default_rng(5))
    on_gpu = augment(images(24).cuda(), np.random.default_rng(5)).cpu()
    # A value at the edge of a step of posterize or equalize may fall to either side of it.
    assert float(((on_cpu - on_gpu).abs() < 1e-4).float().mean()) > 0.999


@pytest.mark.parametrize("kind", KINDS)
def test_every_augmentation_takes_an_empty_batch_and_a_single_pixel(kind: type) -> None:
    augment = build_augmentation(kind(p=1.0))
    assert augment(images(0), np.random.default_rng(0)).shape == (0, 3, 12, 10)
    assert augment(images(40, 1, 1), np.random.default_rng(0)).shape == (40, 3, 1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_augmentation_does_something_by_default(kind: type) -> None:
    assert not torch.equal(build_augmentation(kind())(images(64), np.random.default_rng(0)), images(64))


@pytest.mark.parametrize(
    "never",
    [
        lambda x, rng: flip(x, rng, p=0),
        lambda x, rng: brightness(x, rng, strength=0.5, p=0),
        lambda x, rng: contrast(x, rng, strength=0.5, p=0),
        lambda x, rng: noise(x, rng, std=0.5, p=0),
        lambda x, rng: affine(x, rng, degrees=10, shift=0.1, scale=0.1, p=0),
        lambda x, rng: erasing(x, rng, max_area=0.3, p=0),
        lambda x, rng: auto_augment(x, rng, p=0),
        lambda x, rng: rand_augment(x, rng, n_ops=3, magnitude=30, p=0),
        lambda x, rng: trivial_augment(x, rng, p=0),
    ],
)
def test_with_p_zero_no_photo_changes(never: Augment) -> None:
    assert torch.equal(never(images(), np.random.default_rng(0)), images())


def test_augmentations_follow_each_other_in_the_order_of_the_list() -> None:
    both = build_augment([Flip(p=1.0), Brightness(strength=0.2)])(images(), np.random.default_rng(4))
    rng = np.random.default_rng(4)
    by_hand = brightness(flip(images(), rng, p=1), rng, strength=0.2, p=1)
    assert torch.equal(both, by_hand)
    assert torch.equal(build_augment([])(images(), rng), images())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("config", MIXINGS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_mixing_keeps_the_contract(config: MixingConfig, dtype: torch.dtype, device: str) -> None:
    mix = build_mixing(config, OLDEST)
    before, target_NC = images(24).to(device, dtype), targets(24).to(device)
    kept, kept_target = before.clone(), target_NC.clone()
    out, mixed_NC, *_ = mix(before, target_NC, np.random.default_rng(5))
    again, mixed_again_NC, *_ = mix(before, target_NC, np.random.default_rng(5))
    assert (out.shape, out.dtype, out.device) == (before.shape, dtype, before.device)
    assert (mixed_NC.shape, mixed_NC.dtype, mixed_NC.device) == (target_NC.shape, target_NC.dtype, target_NC.device)
    assert torch.allclose(mixed_NC.sum(1), torch.ones(24, device=device), atol=1e-6)
    assert float(mixed_NC.min()) >= 0
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1
    assert torch.equal(out, again)
    assert torch.equal(mixed_NC, mixed_again_NC)
    assert torch.equal(before, kept)
    assert torch.equal(target_NC, kept_target)
    assert torch.equal(out, before) == (config.kind == "none")


@pytest.mark.parametrize("config", MIXINGS, ids=str)
def test_a_photo_alone_in_its_batch_stays_itself(config: MixingConfig) -> None:
    out, mixed_NC, *_ = build_mixing(config, OLDEST)(images(1), targets(1), np.random.default_rng(0))
    assert torch.equal(out, images(1))
    assert torch.equal(mixed_NC, targets(1))


@pytest.mark.parametrize(
    "never",
    [
        lambda x, t, rng: mixup(x, t, rng, alpha=1, p=0),
        lambda x, t, rng: cutmix(x, t, rng, alpha=1, p=0),
        lambda x, t, rng: half_cutmix(
            x, t, rng, halves="left_right", partner="any", oldest_classes=(), jitter=0.1, p=0
        ),
    ],
)
def test_with_p_zero_no_photo_is_mixed(never: Mix) -> None:
    out, mixed_NC, *_ = never(images(), targets(), np.random.default_rng(0))
    assert torch.equal(out, images())
    assert torch.equal(mixed_NC, targets())


def test_the_oldest_cannot_be_asked_for_where_there_are_none() -> None:
    with pytest.raises(RecipeError, match=r"mixing.partner .*got 'oldest'.*task.attrib"):
        build_mixing(HalfCutMix(partner="oldest"), oldest_classes=())
    assert callable(build_mixing(HalfCutMix(partner="same_class"), oldest_classes=()))


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "flip", "p": 0.0},
        {"kind": "noise", "std": 0.0},
        {"kind": "rand_augment", "magnitude": 31},
        {"kind": "rand_augment", "magnitude": 0},
        {"kind": "rand_augment", "n_ops": 0},
        {"kind": "trivial_augment", "magnitude": 9},
    ],
)
def test_settings_without_effect_or_meaning_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(AugmentConfig).validate_python(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "mixup", "alpha": 0.0},
        {"kind": "cutmix", "p": 1.5},
        {"kind": "half_cutmix", "jitter": 0.5},
        {"kind": "half_cutmix", "partner": "youngest"},
        {"kind": "none", "p": 0.5},
    ],
)
def test_mixing_settings_without_meaning_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(MixingConfig).validate_python(settings)


def test_kinds_are_named_in_recipes_as_documented() -> None:
    read = TypeAdapter(AugmentConfig).validate_python
    assert read({"kind": "rand_augment", "n_ops": 3, "magnitude": 12}) == RandAugment(n_ops=3, magnitude=12)
    assert {kind().kind for kind in KINDS} == {
        *("flip", "brightness", "contrast", "noise", "affine", "erasing"),
        *("auto_augment", "rand_augment", "trivial_augment"),
    }
    mixings = get_args(get_args(MixingConfig)[0])
    assert {kind().kind for kind in mixings} == {"none", "mixup", "cutmix", "half_cutmix"}
