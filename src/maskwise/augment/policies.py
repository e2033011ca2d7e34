"""The three policies: which operation each photo gets, and how strongly.

AutoAugment (Cubuk et al. 2019, arXiv 1805.09501), RandAugment (Cubuk et al. 2020, arXiv 1909.13719) and
TrivialAugment (Müller & Hutter 2021, arXiv 2103.10158), with the ranges and the scales that torchvision uses for them.
Numbers are drawn by numpy, for every photo its own; the work is done by ``operations.operate_``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from maskwise.augment.operations import OperationName, operate_
from maskwise.records import Floats, Strings


@dataclass(frozen=True)
class Reach:
    """The level of an operation at strength 0 (``still``) and at strength 1 (``full``)."""

    still: float
    full: float
    signed: bool
    """Whether half of the photos go as far to the other side of ``still``."""
    of: Literal["width", "height"] | None = None
    """Which side of the photo, in pixels, the levels are shares of; None for levels that stand for themselves."""


OperationSpace = Mapping[OperationName, Reach]

_NO_STRENGTH: Final = Reach(0, 0, signed=False)
_SHIFT: Final = 150 / 331
"""AutoAugment moved photos of 331 pixels by up to 150."""

NARROW: Final[OperationSpace] = {
    "identity": _NO_STRENGTH,
    "shear_x": Reach(0, 0.3, signed=True),
    "shear_y": Reach(0, 0.3, signed=True),
    "translate_x": Reach(0, _SHIFT, signed=True, of="width"),
    "translate_y": Reach(0, _SHIFT, signed=True, of="height"),
    "rotate": Reach(0, 30, signed=True),
    "brightness": Reach(1, 1.9, signed=True),
    "color": Reach(1, 1.9, signed=True),
    "contrast": Reach(1, 1.9, signed=True),
    "sharpness": Reach(1, 1.9, signed=True),
    "posterize": Reach(8, 4, signed=False),
    "solarize": Reach(1, 0, signed=False),
    "autocontrast": _NO_STRENGTH,
    "equalize": _NO_STRENGTH,
}
"""RandAugment's operations and ranges."""

NARROW_WITH_INVERT: Final[OperationSpace] = {**NARROW, "invert": _NO_STRENGTH}
"""AutoAugment's operations and ranges: the same, and inversion."""

WIDE: Final[OperationSpace] = {
    **NARROW,
    "shear_x": Reach(0, 0.99, signed=True),
    "shear_y": Reach(0, 0.99, signed=True),
    "translate_x": Reach(0, 32, signed=True),
    "translate_y": Reach(0, 32, signed=True),
    "rotate": Reach(0, 135, signed=True),
    "brightness": Reach(1, 1.99, signed=True),
    "color": Reach(1, 1.99, signed=True),
    "contrast": Reach(1, 1.99, signed=True),
    "sharpness": Reach(1, 1.99, signed=True),
    "posterize": Reach(8, 2, signed=False),
}
"""TrivialAugment's ranges; shifts are in pixels."""

STEPS: Final = 30
"""RandAugment and TrivialAugment count strength from 0 to 30."""

SubPolicy = tuple[tuple[OperationName, float, int], tuple[OperationName, float, int]]

IMAGENET: Final[tuple[SubPolicy, ...]] = (
    (("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 0)),
    (("equalize", 0.8, 0), ("equalize", 0.6, 0)),
    (("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    (("equalize", 0.4, 0), ("solarize", 0.2, 4)),
    (("equalize", 0.4, 0), ("rotate", 0.8, 8)),
    (("solarize", 0.6, 3), ("equalize", 0.6, 0)),
    (("posterize", 0.8, 5), ("equalize", 1.0, 0)),
    (("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    (("equalize", 0.6, 0), ("posterize", 0.4, 6)),
    (("rotate", 0.8, 8), ("color", 0.4, 0)),
    (("rotate", 0.4, 9), ("equalize", 0.6, 0)),
    (("equalize", 0.0, 0), ("equalize", 0.8, 0)),
    (("invert", 0.6, 0), ("equalize", 1.0, 0)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("rotate", 0.8, 8), ("color", 1.0, 2)),
    (("color", 0.8, 8), ("solarize", 0.8, 7)),
    (("sharpness", 0.4, 7), ("invert", 0.6, 0)),
    (("shear_x", 0.6, 5), ("equalize", 1.0, 0)),
    (("color", 0.4, 0), ("equalize", 0.6, 0)),
    (("equalize", 0.4, 0), ("solarize", 0.2, 4)),
    (("solarize", 0.6, 5), ("autocontrast", 0.6, 0)),
    (("invert", 0.6, 0), ("equalize", 1.0, 0)),
    (("color", 0.6, 4), ("contrast", 1.0, 8)),
    (("equalize", 0.8, 0), ("equalize", 0.6, 0)),
)
"""The pairs that the search found on ImageNet, each as (operation, probability, strength from 0 to 9); the paper's
table 9. Strength is 0 where an operation has none."""


def auto_augment(images_NCHW: Tensor, rng: np.random.Generator, *, p: float) -> Tensor:
    """Each photo, with probability ``p``, through a pair of ``IMAGENET``; each operation with its own probability."""
    n = len(images_NCHW)
    changed_N = rng.random(n) < p
    out_NCHW = images_NCHW.clone()
    pair_N = rng.integers(len(IMAGENET), size=n)
    for slot in range(2):
        drawn = [IMAGENET[pair][slot] for pair in pair_N]
        taken_N = changed_N & (rng.random(n) < np.array([probability for _, probability, _ in drawn]))
        operation_N = _names([name for name, _, _ in drawn], taken_N)
        strength_N = np.array([strength for _, _, strength in drawn]) / 9
        _operate_(out_NCHW, operation_N, strength_N, NARROW_WITH_INVERT, rng)
    return out_NCHW


def rand_augment(images_NCHW: Tensor, rng: np.random.Generator, *, n_ops: int, magnitude: int, p: float) -> Tensor:
    """Each photo, with probability ``p``, through ``n_ops`` operations of ``NARROW`` at ``magnitude`` of 30."""
    n = len(images_NCHW)
    changed_N = rng.random(n) < p
    out_NCHW = images_NCHW.clone()
    names = list(NARROW)
    for _ in range(n_ops):
        operation_N = _names([names[k] for k in rng.integers(len(names), size=n)], changed_N)
        _operate_(out_NCHW, operation_N, np.full(n, magnitude / STEPS), NARROW, rng)
    return out_NCHW


def trivial_augment(images_NCHW: Tensor, rng: np.random.Generator, *, p: float) -> Tensor:
    """Each photo, with probability ``p``, through one operation of ``WIDE`` at a strength from 0 to 30 of 30."""
    n = len(images_NCHW)
    changed_N = rng.random(n) < p
    names = list(WIDE)
    operation_N = _names([names[k] for k in rng.integers(len(names), size=n)], changed_N)
    out_NCHW = images_NCHW.clone()
    _operate_(out_NCHW, operation_N, rng.integers(STEPS + 1, size=n) / STEPS, WIDE, rng)
    return out_NCHW


def levels(
    space: OperationSpace, operation_N: Strings, strength_N: Floats, sign_N: Floats, height_px: int, width_px: int
) -> Floats:
    """The level of each photo's operation at a strength of 0 … 1; ``sign_N`` (±1) turns the signed ones round."""
    side_px = {"height": height_px, "width": width_px, None: 1}
    reach_N = [space[name] for name in operation_N]
    still_N = np.array([reach.still for reach in reach_N], dtype=np.float64)
    span_N = np.array([(reach.full - reach.still) * side_px[reach.of] for reach in reach_N])
    signed_N = np.array([reach.signed for reach in reach_N], dtype=np.bool_)
    level_N: Floats = still_N + np.where(signed_N, sign_N, 1.0) * strength_N * span_N
    return level_N


def _names(names: list[OperationName], taken_N: NDArray[np.bool_]) -> Strings:
    return np.where(taken_N, np.array(names, dtype=np.object_), "identity")


def _operate_(
    images_NCHW: Tensor, operation_N: Strings, strength_N: Floats, space: OperationSpace, rng: np.random.Generator
) -> None:
    height_px, width_px = images_NCHW.shape[2:]
    sign_N = np.where(rng.random(len(images_NCHW)) < 0.5, -1.0, 1.0)
    level_N = levels(space, operation_N, strength_N, sign_N, height_px, width_px)
    operate_(images_NCHW, operation_N, level_N)
