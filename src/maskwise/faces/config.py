"""Crops of a photo: which part of it a model is shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from maskwise.settings import Settings


class FullFrame(Settings):
    """The whole photo; it is squeezed to the input size if its shape differs."""

    kind: Literal["full_frame"] = "full_frame"

    decoding: Literal["full", "reduced"] = "full"
    """reduced: a JPEG of at least 2, 4 or 8 times the input's sides is decoded at that part of its size, which takes
    half as long for photos of 384 × 512; pixels differ a little, in training and in prediction alike. A photo that is
    given as pixels has nothing to decode and is shrunk by area. The other crops count in pixels of the whole photo."""


class CenterCrop(Settings):
    """A window around the photo's center, as torchvision's ``CenterCrop((height, width))``: the write-up's choice.

    Where the photo is smaller than the window, the window shrinks to the photo.
    """

    kind: Literal["center_crop"] = "center_crop"

    height_px: int = Field(default=400, ge=1)
    """Window height in pixels of the original photo."""

    width_px: int = Field(default=200, ge=1)
    """Window width in pixels of the original photo."""


class FaceCrop(Settings):
    """A window around the largest detected face, with margins that keep the cues outside it: hair above, neck below.

    The window is moved into the photo where it sticks out, and cut where it is larger than the photo.
    """

    kind: Literal["face"] = "face"

    margin_top: float = Field(default=0.35, ge=0)
    """Kept above the face box, as a share of its height: forehead and hair."""

    margin_bottom: float = Field(default=0.35, ge=0)
    """Kept below the face box, as a share of its height: chin, mask on the chin, neck."""

    margin_sides: float = Field(default=0.3, ge=0)
    """Kept on either side of the face box, as a share of its width: hair and ears."""

    width_over_height: float = Field(default=0.75, gt=0)
    """Shape of the window: it is widened or heightened to this, so that faces are not squeezed."""

    without_face: Literal["whole_photo", "middle", "refuse"] = "whole_photo"
    """What is shown where no face is found: all of the photo, its middle half, or an error. Their number is noted."""


CropConfig = Annotated[FullFrame | CenterCrop | FaceCrop, Field(discriminator="kind")]


def decodes_reduced(crop: CropConfig) -> bool:
    """Whether photos need not be decoded at their whole size."""
    return isinstance(crop, FullFrame) and crop.decoding == "reduced"


def decisive_settings(crop: CropConfig) -> dict[str, Any]:
    """All settings of ``crop`` in JSON form but those that are off and that crops from before did not have.

    Run ids and cached pixels go by them, so theirs stay as they are.
    """
    settings = crop.model_dump(mode="json")
    if isinstance(crop, FullFrame) and crop.decoding == "full":
        del settings["decoding"]
    return settings
