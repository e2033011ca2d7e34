"""Augmentations: one contract for all, and each one's own arithmetic."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from maskwise.augment.build import Augment, build_augment, build_augmentation
from maskwise.augment.config import Affine, AugmentConfig, Brightness, Erasing, Flip
from maskwise.augment.photos import affine, brightness, erasing, flip

KINDS = get_args(get_args(AugmentConfig)[0])


class UpperEnd(np.random.Generator):
    """Changes every photo, and draws the upper end of every range."""

    def random(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        return np.zeros(args[0])  # type: ignore[call-overload]

    def uniform(self, low: float, high: float, size: object) -> object:  # type: ignore[override]
        return np.full(size, high)  # type: ignore[call-overload]


def images(n: int = 6, height: int = 12, width: int = 10) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, height, width), dtype=np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_contract_shape_dtype_range_and_reproducible(kind: type, dtype: torch.dtype) -> None:
    augment = build_augmentation(kind(p=1.0))
    before = images().to(dtype)
    kept = before.clone()
    first, second = augment(before, np.random.default_rng(5)), augment(before, np.random.default_rng(5))
    assert first.shape == before.shape
    assert first.dtype == dtype
    assert torch.equal(first, second)
    assert torch.equal(before, kept)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not torch.equal(first, augment(before, np.random.default_rng(6))) or kind is Flip


@pytest.mark.parametrize(
    "never",
    [
        lambda x, rng: flip(x, rng, p=0),
        lambda x, rng: brightness(x, rng, strength=0.5, p=0),
        lambda x, rng: affine(x, rng, degrees=10, shift=0.1, scale=0.1, p=0),
        lambda x, rng: erasing(x, rng, max_area=0.3, p=0),
    ],
)
def test_with_p_zero_nothing_changes(never: Augment) -> None:
    assert torch.equal(never(images(), np.random.default_rng(0)), images())


def test_flip_mirrors_about_the_given_share() -> None:
    many = images(2000, 2, 2)
    out = flip(many, np.random.default_rng(1), p=0.3)
    mirrored = (out == many.flip(3)).flatten(1).all(1)
    untouched = (out == many).flatten(1).all(1)
    assert bool((mirrored | untouched).all())
    assert 0.26 < float(mirrored.float().mean()) < 0.34


def test_brightness_is_one_factor_a_photo_as_torchvision_means_it() -> None:
    before = images() * 0.5
    out = brightness(before, np.random.default_rng(2), strength=0.3, p=1)
    for photo, result in zip(before, out, strict=True):
        factor = float(result[0, 0, 0] / photo[0, 0, 0])
        assert 0.7 <= factor <= 1.3
        assert torch.allclose(result, reference.adjust_brightness(photo, factor), atol=1e-6)


def test_affine_without_change_is_the_identity_and_a_quarter_turn_of_a_square_is_exact() -> None:
    same = affine(images(), np.random.default_rng(0), degrees=0, shift=0, scale=0, p=1)
    assert torch.allclose(same, images(), atol=1e-5)

    square = images(1, 8, 8)
    turned = affine(square, UpperEnd(np.random.PCG64(0)), degrees=90, shift=0, scale=0, p=1)
    assert torch.allclose(turned, torch.rot90(square, 1, (2, 3)), atol=1e-5) or torch.allclose(
        turned, torch.rot90(square, -1, (2, 3)), atol=1e-5
    )


def test_a_rotation_stays_a_rotation_on_a_photo_that_is_not_square() -> None:
    tall = torch.zeros(1, 3, 40, 20)
    tall[..., 19:21, 4:16] = 1  # a level bar of 2 × 12 pixels in the middle

    upright = affine(tall, UpperEnd(np.random.PCG64(0)), degrees=90, shift=0, scale=0, p=1)[0, 0]
    assert int((upright.sum(1) > 0.5).sum()) == 12  # as long upright as it was level
    assert int((upright.sum(0) > 0.5).sum()) == 2


def test_erasing_covers_one_rectangle_of_a_bounded_share() -> None:
    before = torch.full((200, 3, 20, 20), 0.5)
    changed = (erasing(before, np.random.default_rng(3), max_area=0.2, p=1) != 0.5).any(1)
    share = changed.flatten(1).float().mean(1)
    assert float(share.min()) > 0.0
    assert float(share.max()) <= 0.26  # 0.2 plus the rounding to whole pixels
    rows, columns = changed.any(2), changed.any(1)
    assert torch.equal(changed, rows[:, :, None] & columns[:, None, :])


def test_augmentations_follow_each_other_in_the_order_of_the_list() -> None:
    both = build_augment([Flip(p=1.0), Brightness(strength=0.2)])(images(), np.random.default_rng(4))
    rng = np.random.default_rng(4)
    by_hand = brightness(flip(images(), rng, p=1), rng, strength=0.2, p=1)
    assert torch.equal(both, by_hand)
    assert torch.equal(build_augment([])(images(), rng), images())


def test_every_kind_has_a_default_that_does_something() -> None:
    assert {kind().kind for kind in KINDS} == {"flip", "brightness", "affine", "erasing"}
    for kind in (Affine, Brightness, Erasing, Flip):
        out = build_augmentation(kind())(images(64), np.random.default_rng(0))
        assert not torch.equal(out, images(64))
