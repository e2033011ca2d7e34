"""Crops: ``crop(photo_HWC, face or None) → photo_HWC``.

Deterministic and defined without a face, so that their results can be cached.
"""

from __future__ import annotations

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
