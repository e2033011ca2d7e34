"""From crop settings to a crop function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

from maskwise.faces.config import CenterCrop, CropConfig, FullFrame
from maskwise.faces.crops import center_crop, full_frame
from maskwise.records import FaceBox, Image

Crop = Callable[[Image, FaceBox | None], Image]


def build_crop(config: CropConfig) -> Crop:
    """The crop that ``config`` describes."""
    match config:
        case FullFrame():
            return full_frame
        case CenterCrop():
            return partial(center_crop, height_px=config.height_px, width_px=config.width_px)
    assert_never(config)
