"""Augmentations of training photos, applied in the order in which a recipe lists them, and the mixing of a batch.

The defaults of the three policies are those of their papers, so a recipe can name the policy and nothing else.
"""

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


class Contrast(Settings):
    """Stretch a photo around its mean gray by one factor from [1 − strength, 1 + strength], as ColorJitter does."""

    kind: Literal["contrast"] = "contrast"

    strength: float = Field(default=0.2, gt=0, le=1)
    """Half-width of the factor's range around 1."""

    p: Probability = 1.0
    """Share of photos that are changed."""


class Noise(Settings):
    """Add Gaussian noise, drawn for every pixel and channel, then clip to black and white."""

    kind: Literal["noise"] = "noise"

    std: float = Field(default=0.03, gt=0, le=1)
    """Standard deviation, as a share of the range from black to white: 0.03 is about 8 of 255 gray levels."""

    p: Probability = 0.5
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


class AutoAugment(Settings):
    """One of the 25 pairs of operations that a search found on ImageNet (Cubuk et al. 2019, arXiv 1805.09501)."""

    kind: Literal["auto_augment"] = "auto_augment"

    p: Probability = 1.0
    """Share of photos that get a pair; either operation of a pair may still pass by its own probability."""


class RandAugment(Settings):
    """A few operations in a row, drawn from 14, all at one strength (Cubuk et al. 2020, arXiv 1909.13719)."""

    kind: Literal["rand_augment"] = "rand_augment"

    n_ops: int = Field(default=2, ge=1, le=14)
    """Number of operations in a row."""

    magnitude: int = Field(default=9, ge=1, le=30)
    """Strength of every operation on the paper's scale: 30 shears by 0.3, turns by 30°, changes colors by 0.9."""

    p: Probability = 1.0
    """Share of photos that are changed."""


class TrivialAugment(Settings):
    """One operation at a strength drawn anew, in the paper's wide ranges (Müller & Hutter 2021, arXiv 2103.10158)."""

    kind: Literal["trivial_augment"] = "trivial_augment"

    p: Probability = 1.0
    """Share of photos that are changed. The ranges are wide: rotations reach 135°, shifts 32 pixels."""


AugmentConfig = Annotated[
    Flip | Brightness | Contrast | Noise | Affine | Erasing | AutoAugment | RandAugment | TrivialAugment,
    Field(discriminator="kind"),
]


class NoMixing(Settings):
    """Every photo stays itself."""

    kind: Literal["none"] = "none"


class MixUp(Settings):
    """Blend a photo and its target with another of the batch (Zhang et al. 2018, arXiv 1710.09412)."""

    kind: Literal["mixup"] = "mixup"

    alpha: float = Field(default=0.2, gt=0)
    """The photo's own share is drawn from Beta(alpha, alpha): small values keep most photos almost pure."""

    p: Probability = 1.0
    """Share of photos that are mixed."""


class CutMix(Settings):
    """Replace a box by the same box of another photo; the target counts pixels (Yun et al. 2019, arXiv 1905.04899)."""

    kind: Literal["cutmix"] = "cutmix"

    alpha: float = Field(default=1.0, gt=0)
    """The photo's own share is drawn from Beta(alpha, alpha); 1 makes all shares alike."""

    p: Probability = 0.5
    """Share of photos that are mixed."""


class HalfCutMix(Settings):
    """Replace one half of a photo by the same half of another; the target follows the area.

    Faces are centered, so half a face meets half a face.
    """

    kind: Literal["half_cutmix"] = "half_cutmix"

    halves: Literal["left_right", "upper_lower"] = "left_right"
    """Where the cut runs: upright between left and right, or level between upper and lower."""

    partner: Literal["any", "same_class", "oldest"] = "same_class"
    """Who gives the other half: any photo of the batch, one of the same joint class (the target stays as it is), or
    one of the oldest age group. A photo that finds no such partner in its batch stays as it is."""

    jitter: float = Field(default=0.04, ge=0, lt=0.5)
    """The cut lies at 0.5 ± jitter of the width or height, drawn for each photo; 0.04 is 46 to 54 %."""

    p: Probability = 0.7
    """Share of photos that are mixed."""


MixingConfig = Annotated[NoMixing | MixUp | CutMix | HalfCutMix, Field(discriminator="kind")]
