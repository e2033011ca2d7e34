"""``augment(images_NCHW, rng) → images_NCHW``: float images in 0 … 1; labels, dtype, shape and device are kept.

The random numbers are drawn by numpy on the CPU (a few a photo) and applied by torch on the device, so a recipe gives
the same pictures wherever it runs. ``p = 0`` is the identity.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from maskwise.augment import operations
from maskwise.augment.geometry import warp
from maskwise.augment.numpy_to_images import as_floats, as_given, chosen, per_photo
from maskwise.records import Floats


def flip(images_NCHW: Tensor, rng: np.random.Generator, *, p: float) -> Tensor:
    """Mirror each photo left and right with probability ``p``."""
    chosen_N = chosen(len(images_NCHW), p, rng, images_NCHW)
    return torch.where(per_photo(chosen_N), images_NCHW.flip(3), images_NCHW)


def brightness(images_NCHW: Tensor, rng: np.random.Generator, *, strength: float, p: float) -> Tensor:
    """Multiply each photo by a factor from [1 − strength, 1 + strength] with probability ``p``, clipped to 0 … 1."""
    return operations.scale_brightness(images_NCHW, _factors(images_NCHW, rng, strength, p))


def contrast(images_NCHW: Tensor, rng: np.random.Generator, *, strength: float, p: float) -> Tensor:
    """Stretch each photo around its mean gray by a factor from [1 − strength, 1 + strength] with probability ``p``."""
    return operations.scale_contrast(images_NCHW, _factors(images_NCHW, rng, strength, p))


def noise(images_NCHW: Tensor, rng: np.random.Generator, *, std: float, p: float) -> Tensor:
    """Add Gaussian noise of standard deviation ``std`` to each photo with probability ``p``, clipped to 0 … 1.

    Each photo reads its noise from a random place of one strip as long as two photos: sampling it anew for each would
    cost several times as much, and between photos the same numbers meet other pixels.
    """
    n, *shape = images_NCHW.shape
    changed = np.flatnonzero(rng.random(n) < p)
    size = math.prod(shape)
    strip = as_floats(rng.standard_normal(2 * size, dtype=np.float32) * np.float32(std), images_NCHW)
    start_M = as_given(rng.integers(size + 1, size=len(changed)), images_NCHW)
    noise_MCHW = strip.unfold(0, size, 1)[start_M].view(-1, *shape)
    rows_M = as_given(changed, images_NCHW)
    noisy_MCHW = noise_MCHW.add_(images_NCHW.index_select(0, rows_M)).clamp_(0, 1)
    return images_NCHW.index_copy(0, rows_M, noisy_MCHW)


def affine(
    images_NCHW: Tensor, rng: np.random.Generator, *, degrees: float, shift: float, scale: float, p: float
) -> Tensor:
    """Rotate, shift and zoom each photo with probability ``p`` around its center, bilinear, border repeated."""
    n, _, height, width = images_NCHW.shape
    changed_N = rng.random(n) < p
    angle_N = np.deg2rad(rng.uniform(-degrees, degrees, n))
    zoom_N = rng.uniform(1 - scale, 1 + scale, n)
    shift_N2 = rng.uniform(-shift, shift, (n, 2)) * (width, height)
    cos, sin = as_floats(np.cos(angle_N) / zoom_N, images_NCHW), as_floats(np.sin(angle_N) / zoom_N, images_NCHW)
    right_px, down_px = as_floats(shift_N2[:, 0], images_NCHW), as_floats(shift_N2[:, 1], images_NCHW)
    moved = warp(images_NCHW, [[cos, -sin, right_px], [sin, cos, down_px]], "border")
    return torch.where(per_photo(as_given(changed_N, images_NCHW)), moved, images_NCHW)


def erasing(images_NCHW: Tensor, rng: np.random.Generator, *, max_area: float, p: float) -> Tensor:
    """Cover one rectangle of a tenth of ``max_area`` to ``max_area``, aspect 1:2 to 2:1, with noise."""
    n, channels, height, width = images_NCHW.shape
    chosen_N = rng.random(n) < p
    area_N = rng.uniform(0.1 * max_area, max_area, n) * height * width
    aspect_N = np.exp(rng.uniform(-np.log(2), np.log(2), n))
    tall_N = np.minimum(np.sqrt(area_N * aspect_N), height)
    wide_N = np.minimum(np.sqrt(area_N / aspect_N), width)
    top_N, left_N = rng.uniform(0, height - tall_N), rng.uniform(0, width - wide_N)
    rows_NH = (np.arange(height) >= top_N[:, None]) & (np.arange(height) < (top_N + tall_N)[:, None])
    columns_NW = (np.arange(width) >= left_N[:, None]) & (np.arange(width) < (left_N + wide_N)[:, None])
    rows, columns = as_given(rows_NH & chosen_N[:, None], images_NCHW), as_given(columns_NW, images_NCHW)
    noise_CHW = as_floats(rng.random((channels, height, width), dtype=np.float32), images_NCHW)
    return torch.where((rows[:, :, None] & columns[:, None, :])[:, None], noise_CHW, images_NCHW)


def _factors(images_NCHW: Tensor, rng: np.random.Generator, strength: float, p: float) -> Tensor:
    """A factor for each photo, 1 for those that stay."""
    n = len(images_NCHW)
    factor_N: Floats = np.where(rng.random(n) < p, rng.uniform(1 - strength, 1 + strength, n), 1.0)
    return as_floats(factor_N, images_NCHW)
