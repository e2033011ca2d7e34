"""The simple augmentations: each one's own arithmetic."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from maskwise.augment.photos import affine, brightness, contrast, erasing, flip, noise


class UpperEnd(np.random.Generator):
    """Changes every photo, and draws the upper end of every range."""

    def random(self, *args: object, **_kwargs: object) -> object:  # type: ignore[override]
        return np.zeros(args[0])  # type: ignore[call-overload]

    def uniform(self, _low: float, high: float, size: object) -> object:  # type: ignore[override]
        return np.full(size, high)  # type: ignore[call-overload]


def images(n: int = 6, height: int = 12, width: int = 10) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, height, width), dtype=np.float32))


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


def test_contrast_is_one_factor_a_photo_as_torchvision_means_it() -> None:
    before = 0.3 + 0.2 * images()  # so narrow that nothing is clipped
    out = contrast(before, np.random.default_rng(2), strength=0.3, p=1)
    factors = (out - out.mean((2, 3), keepdim=True)).std((1, 2, 3)) / (before - before.mean((2, 3), keepdim=True)).std(
        (1, 2, 3)
    )
    assert len(set(factors.tolist())) == len(before)
    for photo, result, factor in zip(before, out, factors.tolist(), strict=True):
        assert 0.7 <= factor <= 1.3
        assert torch.allclose(result, reference.adjust_contrast(photo, factor), atol=1e-6)


def test_noise_is_gaussian_of_the_given_width_and_differs_between_photos() -> None:
    gray = torch.full((50, 3, 40, 30), 0.5)
    added = noise(gray, np.random.default_rng(7), std=0.1, p=1) - 0.5
    assert abs(float(added.mean())) < 0.003
    assert abs(float(added.std()) - 0.1) < 0.002
    assert abs(float((added.abs() < 0.1).float().mean()) - 0.6827) < 0.01  # one standard deviation to either side
    alike = torch.corrcoef(added.flatten(1)) - torch.eye(50)
    assert float(alike.abs().max()) < 0.1

    pale = noise(torch.ones(20, 3, 9, 9), np.random.default_rng(7), std=0.1, p=1)
    assert float(pale.max()) == 1.0
    assert 0.4 < float((pale == 1).float().mean()) < 0.6  # the upper half of the noise is clipped


def test_noise_changes_about_the_given_share_of_photos_and_leaves_the_others_alone() -> None:
    many = images(1000, 3, 3)
    changed = (noise(many, np.random.default_rng(1), std=0.1, p=0.3) != many).flatten(1).any(1)
    assert 0.26 < float(changed.float().mean()) < 0.34


def test_affine_without_change_is_the_identity_and_a_quarter_turn_of_a_square_is_exact() -> None:
    same = affine(images(), np.random.default_rng(0), degrees=0, shift=0, scale=0, p=1)
    assert torch.allclose(same, images(), atol=1e-5)

    square = images(1, 8, 8)
    turned = affine(square, UpperEnd(np.random.PCG64(0)), degrees=90, shift=0, scale=0, p=1)
    assert torch.allclose(turned, torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_affine_shifts_by_a_share_of_each_side_and_zooms_around_the_center() -> None:
    before = images(1, 20, 10)
    shifted = affine(before, UpperEnd(np.random.PCG64(0)), degrees=0, shift=0.2, scale=0, p=1)
    # Pixels come from 0.2 of the width (2) to the right and 0.2 of the height (4) below.
    assert torch.allclose(shifted[..., :16, :8], before[..., 4:, 2:], atol=1e-5)
    assert torch.allclose(shifted[..., :16, 8:], before[..., 4:, 9:].expand(-1, -1, -1, 2), atol=1e-5)  # the border

    zoomed = affine(before, UpperEnd(np.random.PCG64(0)), degrees=0, shift=0, scale=0.5, p=1)
    expected = reference.affine(
        before[0], 0, [0, 0], 1.5, [0.0, 0.0], interpolation=reference.InterpolationMode.BILINEAR
    )
    assert torch.allclose(zoomed[0], expected, atol=1e-5)


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
