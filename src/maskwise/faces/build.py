"""From crop settings to a crop function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

from maskwise.faces.config import CenterCrop, CropConfig, FaceCrop, FullFrame
from maskwise.faces.crops import center_crop, face_crop, full_frame
from maskwise.records import FaceBox, Image

Crop = Callable[[Image, FaceBox | None], Image]


def build_crop(config: CropConfig) -> Crop:
    """The crop that ``config`` describes."""
    match config:
        case FullFrame():
            return full_frame
        case CenterCrop():
            return partial(center_crop, height_px=config.height_px, width_px=config.width_px)
        case FaceCrop():
            return partial(
                face_crop,
                margin_top=config.margin_top,
                margin_bottom=config.margin_bottom,
                margin_sides=config.margin_sides,
                width_over_height=config.width_over_height,
                without_face=config.without_face,
            )
    assert_never(config)


def needs_faces(config: CropConfig) -> bool:
    """Whether the crop looks at the face, so that faces have to be found first."""
    return isinstance(config, FaceCrop)
