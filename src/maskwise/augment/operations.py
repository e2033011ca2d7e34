"""The operations that the policies choose from: ``operation(images_NCHW, level_N) → images_NCHW``.

Images are floats in 0 … 1 with three channels, RGB; ``level_N`` says how strongly each photo is changed, in the unit
that the operation's docstring gives (operations that have no strength ignore it). Shape, dtype, device and range are
kept and the input is left alone. Every operation means what torchvision's functional of the same name means for
float images; geometry is bilinear and black outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from maskwise.augment.geometry import warp
from maskwise.augment.numpy_to_images import as_floats, as_given, per_photo
from maskwise.records import Floats, Strings

OperationName = Literal[
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
    "invert",
]
Operation = Callable[[Tensor, Tensor], Tensor]

_GRAY_C: Final = (0.2989, 0.587, 0.114)
"""ITU-R BT.601 luma, in the digits that torchvision and Pillow share."""


def operate_(images_NCHW: Tensor, operation_N: Strings, level_N: Floats) -> None:
    """Each photo, in place, through the operation (an ``OperationName``) that it drew, at its own level.

    Photos that drew the same operation are computed together.
    """
    for name in sorted(set(operation_N.tolist()) - {"identity"}):
        rows = np.flatnonzero(operation_N == name)
        rows_M = as_given(rows, images_NCHW)
        drawn_MCHW = images_NCHW.index_select(0, rows_M)
        images_NCHW.index_copy_(0, rows_M, OPERATIONS[name](drawn_MCHW, as_floats(level_N[rows], images_NCHW)))


def identity(images_NCHW: Tensor, level_N: Tensor) -> Tensor:  # noqa: ARG001 (one signature for all)
    """Nothing changes; the level is ignored."""
    return images_NCHW


def shear_x(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Slant left and right: the row ``y`` pixels below the upper edge moves left by ``level · y`` pixels."""
    one, zero = torch.ones_like(level_N), torch.zeros_like(level_N)
    half_height = images_NCHW.shape[2] / 2
    return warp(images_NCHW, [[one, level_N, level_N * half_height], [zero, one, zero]], "zeros")


def shear_y(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Slant up and down: the column ``x`` pixels right of the left edge moves up by ``level · x`` pixels."""
    one, zero = torch.ones_like(level_N), torch.zeros_like(level_N)
    half_width = images_NCHW.shape[3] / 2
    return warp(images_NCHW, [[one, zero, zero], [level_N, one, level_N * half_width]], "zeros")


def translate_x(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Move right by ``level`` pixels, cut to whole ones."""
    one, zero = torch.ones_like(level_N), torch.zeros_like(level_N)
    return warp(images_NCHW, [[one, zero, -level_N.trunc()], [zero, one, zero]], "zeros")


def translate_y(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Move down by ``level`` pixels, cut to whole ones."""
    one, zero = torch.ones_like(level_N), torch.zeros_like(level_N)
    return warp(images_NCHW, [[one, zero, zero], [zero, one, -level_N.trunc()]], "zeros")


def rotate(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Turn counter-clockwise around the center by ``level`` degrees."""
    angle_N = torch.deg2rad(level_N)
    cos_N, sin_N, zero = angle_N.cos(), angle_N.sin(), torch.zeros_like(level_N)
    return warp(images_NCHW, [[cos_N, -sin_N, zero], [sin_N, cos_N, zero]], "zeros")


def scale_brightness(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Multiply by the factor ``level`` (0 black, 1 as it was)."""
    return (images_NCHW * per_photo(level_N)).clamp_(0, 1)


def color(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Saturation by the factor ``level`` (0 gray, 1 as it was)."""
    return _blend(_gray(images_NCHW), images_NCHW, level_N)


def scale_contrast(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Contrast by the factor ``level`` around the photo's mean gray (0 flat gray, 1 as it was)."""
    return _blend(_gray(images_NCHW).mean((1, 2, 3), keepdim=True), images_NCHW, level_N)


def sharpness(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Sharpness by the factor ``level`` (0 smoothed by a 3 × 3 kernel, 1 as it was); the outermost pixels stay."""
    if min(images_NCHW.shape[2:]) <= 2:
        return images_NCHW
    inside = images_NCHW[..., 1:-1, 1:-1]
    # The kernel weighs the middle by 5 and its 8 neighbors by 1, of 13: the sum of all nine and four times the middle.
    # Sums of shifted views are tens of times faster on a CPU than a convolution or a pooling of three channels.
    above_to_below = (images_NCHW[..., :-2, :] + images_NCHW[..., 1:-1, :]).add_(images_NCHW[..., 2:, :])
    nine = (above_to_below[..., :-2] + above_to_below[..., 1:-1]).add_(above_to_below[..., 2:])
    smooth = nine.add_(inside, alpha=4).div_(13)
    out = images_NCHW.clone()
    out[..., 1:-1, 1:-1] = _blend(smooth, inside, level_N)
    return out


def posterize(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Keep the upper ``level`` bits of each channel, rounded to whole bits; 8 and more change nothing."""
    bits_N = level_N.round()
    steps = per_photo(torch.exp2(bits_N))
    coarse = torch.minimum((images_NCHW * steps).floor_(), steps - 1) / steps
    return torch.where(per_photo(bits_N >= 8), images_NCHW, coarse)


def solarize(images_NCHW: Tensor, level_N: Tensor) -> Tensor:
    """Invert the values from ``level`` (0 … 1) upwards."""
    # |x − 1| is 1 − x, and |x − 0| is x: three times as fast as choosing between the two.
    from_level = (images_NCHW >= per_photo(level_N)).to(images_NCHW.dtype)
    return (images_NCHW - from_level).abs_()


def autocontrast(images_NCHW: Tensor, level_N: Tensor) -> Tensor:  # noqa: ARG001 (one signature for all)
    """Stretch each channel so that its darkest value becomes 0 and its brightest 1; a flat channel stays."""
    darkest, brightest = images_NCHW.amin((2, 3), keepdim=True), images_NCHW.amax((2, 3), keepdim=True)
    flat = darkest == brightest
    stretched = (images_NCHW - darkest).div_(torch.where(flat, 1, brightest - darkest)).clamp_(0, 1)
    return torch.where(flat, images_NCHW, stretched)


def equalize(images_NCHW: Tensor, level_N: Tensor) -> Tensor:  # noqa: ARG001 (one signature for all)
    """Spread each channel's histogram of 256 values evenly, by Pillow's rule; a channel too flat for it stays."""
    n, channels, height, width = images_NCHW.shape
    # The scale keeps 1.0 inside the last of 256 equal bins, as torchvision's conversion to bytes does.
    byte_NCHW = (images_NCHW * (256 - 1e-3)).to(torch.int32)
    start_NC = torch.arange(n * channels, device=images_NCHW.device, dtype=torch.int32).view(n, channels, 1, 1) * 256
    bin_NCHW = byte_NCHW + start_NC
    # Not torch.bincount: it looks for the largest bin first, for which a GPU must have come to its end.
    one = torch.ones((), device=images_NCHW.device, dtype=torch.int32)
    counted = torch.zeros(n * channels * 256, device=images_NCHW.device, dtype=torch.int32)
    counted.index_add_(0, bin_NCHW.flatten(), one.expand(bin_NCHW.numel()))
    count_NCB = counted.view(n, channels, 256)
    table_NCB = _equalizing_table(count_NCB, height * width).to(images_NCHW.dtype) / 255
    return table_NCB.flatten().index_select(0, bin_NCHW.flatten()).view_as(images_NCHW)


def invert(images_NCHW: Tensor, level_N: Tensor) -> Tensor:  # noqa: ARG001 (one signature for all)
    """Black becomes white."""
    return 1 - images_NCHW


def _equalizing_table(count_NCB: Tensor, n_pixels: int) -> Tensor:
    """The new byte of each of 256 bytes: how many pixels are darker, in steps of 1/255 of all but the brightest.

    ``(darker + step // 2) // step`` with ``step = (pixels − pixels of the brightest value) // 255``, as Pillow's
    ``ImageOps.equalize``. Where step is 0 a byte stays itself.
    """
    brightest_NC1 = (torch.arange(256, device=count_NCB.device) * (count_NCB > 0)).amax(2, keepdim=True)
    step_NC1 = (n_pixels - count_NCB.gather(2, brightest_NC1)) // 255
    darker_NCB = count_NCB.cumsum(2) - count_NCB
    table_NCB = (darker_NCB + step_NC1 // 2).div(step_NC1.clamp(min=1), rounding_mode="floor").clamp(0, 255)
    return torch.where(step_NC1 > 0, table_NCB, torch.arange(256, device=count_NCB.device))


def _blend(without: Tensor, images_NCHW: Tensor, factor_N: Tensor) -> Tensor:
    """``without + factor · (image − without)``, clipped: 1 keeps the image, more than 1 exaggerates it."""
    factor = per_photo(factor_N)
    return (images_NCHW * factor).add_(without * (1 - factor)).clamp_(0, 1)


def _gray(images_NCHW: Tensor) -> Tensor:
    red, green, blue = _GRAY_C
    return (images_NCHW[:, :1] * red).add_(images_NCHW[:, 1:2], alpha=green).add_(images_NCHW[:, 2:], alpha=blue)


OPERATIONS: Final[dict[str, Operation]] = {
    "identity": identity,
    "shear_x": shear_x,
    "shear_y": shear_y,
    "translate_x": translate_x,
    "translate_y": translate_y,
    "rotate": rotate,
    "brightness": scale_brightness,
    "color": color,
    "contrast": scale_contrast,
    "sharpness": sharpness,
    "posterize": posterize,
    "solarize": solarize,
    "autocontrast": autocontrast,
    "equalize": equalize,
    "invert": invert,
}
