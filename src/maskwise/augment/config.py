"""Augmentations of training photos, applied in the order in which a recipe lists them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings

Probability = Annotated[float, Field(gt=0, le=1)]


class Flip(Settings):
    """Mirror left and right."""

    kind: Literal["flip"] = "flip"

    p: Probability = 0.5
    """Share of photos that are mirrored."""


class Brightness(Settings):
    """Multiply all pixels of a photo by one factor from [1 − strength, 1 + strength], as torchvision's ColorJitter."""

    kind: Literal["brightness"] = "brightness"

    strength: float = Field(default=0.2, gt=0, le=1)
    """Half-width of the factor's range around 1."""

    p: Probability = 1.0
    """Share of photos that are changed."""


class Affine(Settings):
    """Turn, shift and scale a photo a little; what comes from outside repeats the border."""

    kind: Literal["affine"] = "affine"

    degrees: float = Field(default=8.0, ge=0, le=180)
    """Largest rotation either way, in degrees."""

    shift: float = Field(default=0.06, ge=0, lt=1)
    """Largest shift either way, as a share of the photo's height and width."""

    scale: float = Field(default=0.1, ge=0, lt=1)
    """The zoom factor comes from [1 − scale, 1 + scale]."""

    p: Probability = 1.0
    """Share of photos that are changed."""


class Erasing(Settings):
    """Cover one random rectangle with noise (Zhong et al. 2020, arXiv 1708.04896)."""

    kind: Literal["erasing"] = "erasing"

    max_area: float = Field(default=0.2, gt=0, le=1)
    """Largest share of the photo that is covered; the smallest is a tenth of it."""

    p: Probability = 0.25
    """Share of photos that are changed."""


AugmentConfig = Annotated[Flip | Brightness | Affine | Erasing, Field(discriminator="kind")]
