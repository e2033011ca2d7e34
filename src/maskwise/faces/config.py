"""Crops of a photo: which part of it a model is shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings


class FullFrame(Settings):
    """The whole photo; it is squeezed to the input size if its shape differs."""

    kind: Literal["full_frame"] = "full_frame"


class CenterCrop(Settings):
    """A window around the photo's centre, as torchvision's ``CenterCrop((height, width))``: the write-up's choice.

    Where the photo is smaller than the window, the window shrinks to the photo.
    """

    kind: Literal["center_crop"] = "center_crop"

    height_px: int = Field(default=400, ge=1)
    """Window height in pixels of the original photo."""

    width_px: int = Field(default=200, ge=1)
    """Window width in pixels of the original photo."""


CropConfig = Annotated[FullFrame | CenterCrop, Field(discriminator="kind")]
