"""Where each pixel comes from: one affine map a photo, read bilinearly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from maskwise.augment.numpy_to_images import as_floats


def warp(images_NCHW: Tensor, source: Sequence[Sequence[Tensor]], outside: Literal["zeros", "border"]) -> Tensor:
    """Each photo, where the pixel at (x, y) comes from ``source · (x, y, 1)``.

    ``source`` is 2 × 3 tensors of N values; places are in pixels from the photo's center, x to the right and y down.
    What comes from ``outside`` is black ("zeros") or repeats the border. Shape, dtype and device are kept.
    """
    height, width = images_NCHW.shape[2:]
    # grid_sample counts from -1 to 1 over a side.
    half_2 = as_floats(np.array([width / 2, height / 2]), images_NCHW)
    by_x_N2, by_y_N2, shift_N2 = (torch.stack(column, 1) / half_2 for column in zip(*source, strict=True))
    # The sum of a row and a column for each photo: far cheaper than functional.affine_grid's product of matrices.
    row_N2W = by_x_N2[..., None] * _places(width, images_NCHW)
    column_N2H = by_y_N2[..., None] * _places(height, images_NCHW) + shift_N2[..., None]
    grid_NHW2 = (row_N2W[:, :, None, :] + column_N2H[..., None]).permute(0, 2, 3, 1)
    return functional.grid_sample(images_NCHW, grid_NHW2, mode="bilinear", padding_mode=outside, align_corners=False)


def _places(length_px: int, like: Tensor) -> Tensor:
    """The middles of the pixels of a side, in pixels from the side's middle."""
    return torch.arange(length_px, device=like.device, dtype=like.dtype) + (1 - length_px) / 2
