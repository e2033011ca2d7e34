"""Crops: ``crop(photo_HWC, face or None) → photo_HWC``.

Deterministic and defined without a face, so that their results can be cached.
"""

from __future__ import annotations

from typing import Literal

from maskwise.errors import DataError
from maskwise.records import FaceBox, Image


def full_frame(photo_HWC: Image, face: FaceBox | None) -> Image:  # noqa: ARG001  (one signature for all crops)
    """The photo as it is."""
    return photo_HWC


def center_crop(photo_HWC: Image, face: FaceBox | None, *, height_px: int, width_px: int) -> Image:  # noqa: ARG001
    """The central ``height_px`` × ``width_px`` window, or as much of it as the photo has."""
    height, width = photo_HWC.shape[:2]
    tall, wide = min(height_px, height), min(width_px, width)
    top, left = round((height - tall) / 2), round((width - wide) / 2)
    return photo_HWC[top : top + tall, left : left + wide]


def face_crop(
    photo_HWC: Image,
    face: FaceBox | None,
    *,
    margin_top: float,
    margin_bottom: float,
    margin_sides: float,
    width_over_height: float,
    without_face: Literal["whole_photo", "middle", "refuse"],
) -> Image:
    """A window of one shape around ``face`` with margins in shares of its height and width."""
    if face is None:
        return _faceless(photo_HWC, without_face)
    left, top, right, bottom = face.box_xyxy_px
    tall, wide = bottom - top, right - left
    left, right = left - margin_sides * wide, right + margin_sides * wide
    top, bottom = top - margin_top * tall, bottom + margin_bottom * tall
    tall, wide = bottom - top, right - left
    tall, wide = max(tall, wide / width_over_height), max(wide, tall * width_over_height)
    center_y, center_x = (top + bottom) / 2, (left + right) / 2
    rows = _inside(center_y, tall, photo_HWC.shape[0])
    columns = _inside(center_x, wide, photo_HWC.shape[1])
    return photo_HWC[rows, columns]


def _inside(center: float, length: float, limit: int) -> slice:
    """``length`` pixels around ``center``, moved into 0 … ``limit``; all of it where ``length`` is more."""
    size = max(1, min(round(length), limit))
    start = min(max(round(center - size / 2), 0), limit - size)
    return slice(start, start + size)


def _faceless(photo_HWC: Image, without_face: Literal["whole_photo", "middle", "refuse"]) -> Image:
    if without_face == "refuse":
        raise DataError(
            "a photo must show a face, got none that the detector finds. Leave it out, or set without_face."
        )
    if without_face == "whole_photo":
        return photo_HWC
    height, width = photo_HWC.shape[:2]
    return photo_HWC[height // 4 : height - height // 4, width // 4 : width - width // 4]
