"""What a mask takes over from its photo: light and shade, color cast, sharpness and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np

from maskwise.drawing.face_pose import FacePose
from maskwise.drawing.mask_shapes import Field, Sheet
from maskwise.records import Floats, Image

Pixels = TypeVar("Pixels", Image, Field)

_PATCH_H, _PATCH_W = 15, 18
_PATCH_BOX = (-0.85, 0.3, 0.85, 1.6)
"""The part of the face, in face coordinates, whose light is read: left, top, right, bottom."""
_FACE_BOX, _EYES_BOX = (-1.3, -0.7, 1.3, 1.9), (-0.8, -0.25, 0.8, 0.25)
_SHADE_STRENGTH = 0.8
_GRAY = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class PhotoLight:
    """The light on a face and the way its photo was taken."""

    shade_hw: Field
    """Brightness of the covered skin against its own middle, smooth, around 1."""
    gain_C: Floats
    """What white paper would look like here, as shares of 255, red, green, blue."""
    light_x: float
    """Where the light comes from: -1 left, 1 right."""
    blur_px: float
    """How soft the photo's edges are: the deviation of a Gaussian."""
    noise: float
    """Deviation of the noise, in steps of 255."""


def read_light(photo_HWC: Image, pose: FacePose) -> PhotoLight:
    """Look at the face's skin and surroundings; about the same for each photo of the same face."""
    left, top, right, bottom = _window(photo_HWC, pose, _FACE_BOX)
    face_HWC = photo_HWC[top:bottom, left:right]
    small_hwC = _shrink(face_HWC, pose)
    patch_hwC = _skin_patch(small_hwC, pose, (left, top), face_HWC.shape[1] / small_hwC.shape[1])
    light_hw = patch_hwC.astype(np.float32) @ _GRAY.astype(np.float32)
    cheeks = _at_share(light_hw[: _PATCH_H // 2], 0.5)
    # Beards, lips and nostrils are no shade: what is far from the cheeks' light is cut off before it is smoothed.
    ratio_hw = cv2.min(cv2.max(light_hw / max(cheeks, 8.0), 0.72), 1.25)
    smooth_hw = cv2.GaussianBlur(ratio_hw, (0, 0), 2.2)
    sides = smooth_hw[:, : _PATCH_W // 3].mean(), smooth_hw[:, -_PATCH_W // 3 :].mean()
    gray_HW = cv2.cvtColor(face_HWC, cv2.COLOR_RGB2GRAY)
    return PhotoLight(
        shade_hw=(1 + _SHADE_STRENGTH * (smooth_hw / smooth_hw.mean() - 1)).astype(np.float32),
        gain_C=_white(small_hwC, cheeks),
        light_x=_limit(4 * (sides[1] - sides[0]), -1, 1),
        blur_px=_blur_of_edges(photo_HWC, pose),
        noise=_noise_of(gray_HW),
    )


def shade_on(sheet: Sheet, light: PhotoLight) -> Field:
    """The shade at every point of a sheet; beyond the patch that was read it stays as at its border."""
    left, top, right, bottom = _PATCH_BOX
    x_1W, y_H1 = sheet.axes()
    column_1W = (x_1W - np.float32(left)) * np.float32((_PATCH_W - 1) / (right - left))
    row_H1 = (y_H1 - np.float32(top)) * np.float32((_PATCH_H - 1) / (bottom - top))
    column_HW, row_HW = (np.ascontiguousarray(np.broadcast_to(axis, sheet.shape)) for axis in (column_1W, row_H1))
    shade_HW = cv2.remap(light.shade_hw, column_HW, row_HW, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shade_HW, dtype=np.float32)


def _window(photo_HWC: Image, pose: FacePose, box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """A box in face coordinates as a part of the photo, four pixels or more: left, top, right, bottom."""
    left, top, right, bottom = box
    corners = pose.place(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
    (low_x, low_y), (high_x, high_y) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    height, width = photo_HWC.shape[:2]
    x, y = int(_limit(low_x, 0, width - 4)), int(_limit(low_y, 0, height - 4))
    return x, y, int(_limit(math.ceil(high_x), x + 4, width)), int(_limit(math.ceil(high_y), y + 4, height))


def _shrink(face_HWC: Image, pose: FacePose) -> Image:
    """The face and its surroundings with about as many points as the patch has."""
    shrink = max(1.0, pose.unit_px * (_PATCH_BOX[2] - _PATCH_BOX[0]) / _PATCH_W)
    height, width = face_HWC.shape[:2]
    size = max(2, round(width / shrink)), max(2, round(height / shrink))
    return np.asarray(cv2.resize(face_HWC, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _skin_patch(small_hwC: Image, pose: FacePose, corner_xy_px: tuple[int, int], shrink: float) -> Image:
    """The lower face on a small upright grid, _PATCH_H × _PATCH_W × 3, each point a mean of its surroundings."""
    left, top, right, bottom = _PATCH_BOX
    step = np.array([[(right - left) / (_PATCH_W - 1), 0, left], [0, (bottom - top) / (_PATCH_H - 1), top], [0, 0, 1]])
    matrix_23 = pose.to_px() @ step
    matrix_23[:, 2] -= np.array(corner_xy_px)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch_hwC = cv2.warpAffine(
        small_hwC, matrix_23 / shrink, (_PATCH_W, _PATCH_H), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(patch_hwC, dtype=np.uint8)


def _white(small_hwC: Image, cheeks: float) -> Floats:
    """White under this light, with a little of its cast: mostly from the brightest parts of the face's surroundings.

    The skin counts little: how dark a person's skin is says nothing of the light.
    """
    small_PC = small_hwC.reshape(-1, 3).astype(np.float32)
    gray_P = small_PC @ _GRAY.astype(np.float32)
    bright_C = small_PC[gray_P >= _at_share(gray_P, 0.9)].mean(axis=0)
    highest = float(bright_C @ _GRAY)
    level = _limit(0.8 * highest / 225 + 0.2 * max(cheeks, 120.0) / 165, 0.42, 1.0)
    cast_C = np.clip(bright_C / max(highest, 1.0), 0.75, 1.25)
    return np.asarray(level * (1 + 0.3 * (cast_C - 1)))


def _blur_of_edges(photo_HWC: Image, pose: FacePose) -> float:
    """From the eyes, whose edges are sharp in life: a step of height A blurred by σ climbs at most A / (σ √2π)."""
    left, top, right, bottom = _window(photo_HWC, pose, _EYES_BOX)
    eyes_HW = cv2.cvtColor(photo_HWC[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    slope_HW = cv2.Sobel(eyes_HW, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    rise = float(np.ptp(cv2.resize(eyes_HW, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))
    steepest = _at_share(cv2.absdiff(slope_HW, 0), 0.99)
    # The darkest and the lightest point seldom share an edge, so the true step is smaller: about two thirds.
    blur = 0.65 * rise / (max(steepest, 0.5) * 2.5066)
    return _limit(math.sqrt(max(blur**2 - 0.8, 0.1)), 0.45, max(0.5, 0.05 * pose.unit_px))


def _noise_of(gray_HW: Image) -> float:
    """The noise's deviation (Immerkær 1996, Computer Vision and Image Understanding 64), by the calmer parts."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response_HW = cv2.filter2D(gray_HW, cv2.CV_32F, kernel)[1:-1:2, 1:-1:3]
    # The median of |x| is 0.6745 deviations; the kernel multiplies the deviation by 6.
    return _limit(_at_share(np.abs(response_HW), 0.5) / (0.6745 * 6), 0.0, 8.0)


def soften(pixels_HWC: Pixels, blur_px: float) -> Pixels:
    """About a Gaussian blur of this deviation, by two means over boxes: as fast for wide ones as for narrow ones."""
    first = _odd(math.sqrt(1 + 6 * blur_px**2) - 1)
    rest = max(blur_px**2 - (first**2 - 1) / 12, 0.0)
    second = _odd(math.sqrt(1 + 12 * rest))
    return cast("Pixels", cv2.blur(cv2.blur(pixels_HWC, (first, first)), (second, second)))


def _odd(width: float) -> int:
    """The odd number next to ``width``, 1 or more."""
    return max(1, 2 * round((width - 1) / 2) + 1)


def _limit(value: float, low: float, high: float) -> float:
    return float(min(max(value, low), high))


def _at_share(values: Field, share: float) -> float:
    """The value below which ``share`` of all lie: a plain quantile, as numpy's options cost more than the result."""
    place = int(share * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])
