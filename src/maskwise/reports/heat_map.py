"""A map of places laid over a photo: grey where nothing is said, coloured where something is."""

from __future__ import annotations

import cv2
import numpy as np

from maskwise.records import Floats, Image

_STRONGEST = 0.7


def heated(photo_HWC: Image, map_HW: Floats, height_px: int) -> Image:
    """The photo in grey, ``height_px`` high, with ``map_HW`` (0 to 1) in colours from violet to yellow over it."""
    width_px = max(1, round(photo_HWC.shape[1] * height_px / photo_HWC.shape[0]))
    size = (width_px, height_px)
    photo = np.asarray(cv2.resize(photo_HWC, size, interpolation=cv2.INTER_LINEAR))
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.float32)
    heat_HW = np.clip(np.asarray(cv2.resize(map_HW.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)), 0, 1)
    colours_BGR = cv2.applyColorMap((heat_HW * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share_HW1 = _STRONGEST * heat_HW[..., None]
    mixed = grey * (1 - share_HW1) + colours_BGR[..., ::-1].astype(np.float32) * share_HW1
    return np.asarray(mixed.round(), dtype=np.uint8)


def enlarged(photo_HWC: Image, height_px: int) -> Image:
    """The photo ``height_px`` high."""
    width_px = max(1, round(photo_HWC.shape[1] * height_px / photo_HWC.shape[0]))
    smooth = cv2.INTER_AREA if photo_HWC.shape[0] > height_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo_HWC, (width_px, height_px), interpolation=smooth), dtype=np.uint8)
