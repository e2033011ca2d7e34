"""What a drawn mask is to look like: everything random, decided before a pixel is touched."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from maskwise.errors import DataError, must, nearest

ClothKind = Literal["surgical", "kf94", "n95", "cloth", "patterned", "dark"]
"""Pleated, boat-shaped with three panels, cup, plain cloth, printed cloth, and molded dark foam."""
Wearing = Literal["right", "nose_out", "mouth_out", "on_chin", "one_ear"]
"""Covering nose to chin; below the nostrils; below the lower lip; under the chin; hanging beside the face."""
Print = Literal["none", "dots", "stripes", "checks", "blots"]

CLOTH_KINDS: tuple[ClothKind, ...] = get_args(ClothKind)
WEARINGS: tuple[Wearing, ...] = get_args(Wearing)
WRONG_SHARES: dict[Wearing, float] = {"nose_out": 0.5, "mouth_out": 0.15, "on_chin": 0.25, "one_ear": 0.1}
"""How often each wrong way is drawn. Below the nose is the commonest in life; the figures are a choice of ours."""

Rgb = tuple[int, int, int]

_COLORS: dict[ClothKind, tuple[Rgb, ...]] = {
    "surgical": ((138, 190, 220), (126, 178, 214), (150, 206, 194), (232, 236, 238), (236, 196, 206), (176, 170, 210)),
    "kf94": ((240, 240, 238), (236, 236, 236), (242, 240, 234), (46, 47, 52), (150, 152, 158), (212, 196, 178)),
    "n95": ((238, 238, 234), (244, 242, 236), (206, 220, 230), (230, 224, 208)),
    "dark": ((30, 30, 33), (44, 45, 49), (32, 38, 58), (58, 46, 42), (40, 52, 46), (70, 72, 78)),
}
_PRINTS: tuple[Print, ...] = ("dots", "stripes", "checks", "blots")


@dataclass(frozen=True)
class MaskPlan:
    """One mask on one face. Lengths are shares of the distance between the eyes; the drawing itself is not random."""

    kind: ClothKind
    wearing: Wearing
    colour_rgb: Rgb
    accent_rgb: Rgb
    """Of the print, the straps or the valve."""
    print: Print = "none"
    side: Literal[-1, 1] = 1
    """Which ear it hangs from, seen in the photo: -1 left, 1 right. Only for ``one_ear``."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    tilt_rad: float = 0.0
    width: float = 1.0
    """Wider or narrower than usual."""
    creases: float = 1.0
    """How crumpled the cloth is, 0 to 2."""
    valve: bool = False
    grain_seed: int = 0
    """Decides creases, weave and noise."""


def plan_mask(rng: np.random.Generator, wearing: Wearing, kind: ClothKind | None = None) -> MaskPlan:
    """A plan for a mask that is worn so, of ``kind`` or of any. ``DataError`` for what cannot be drawn."""
    _refuse_unknown("wearing", wearing, WEARINGS)
    kind = CLOTH_KINDS[int(rng.integers(len(CLOTH_KINDS)))] if kind is None else kind
    _refuse_unknown("kind of mask", kind, CLOTH_KINDS)
    color = _draw_color(rng, kind)
    return MaskPlan(
        kind=kind,
        wearing=wearing,
        colour_rgb=color,
        accent_rgb=_draw_accent(rng, kind, color),
        print=_PRINTS[int(rng.integers(len(_PRINTS)))] if kind == "patterned" else "none",
        side=1 if rng.random() < 0.5 else -1,
        shift_x=_bounded(rng, 0.015, 0.04),
        shift_y=_bounded(rng, 0.02, 0.05),
        tilt_rad=_bounded(rng, 0.025, 0.06),
        width=float(rng.uniform(0.96, 1.05)),
        creases=float(rng.uniform(0.4, 1.6)),
        valve=bool(kind == "n95" and rng.random() < 0.3),
        grain_seed=int(rng.integers(2**31)),
    )


def draw_wrong_wearing(rng: np.random.Generator) -> Wearing:
    """One of the wrong ways, as often as ``WRONG_SHARES`` says."""
    return list(WRONG_SHARES)[int(rng.choice(len(WRONG_SHARES), p=list(WRONG_SHARES.values())))]


def _refuse_unknown(thing: str, word: str, legal: tuple[str, ...]) -> None:
    if word not in legal:
        raise DataError(must(thing, "one that can be drawn", word, nearest(word, legal)))


def _bounded(rng: np.random.Generator, spread: float, most: float) -> float:
    return float(np.clip(rng.normal(0, spread), -most, most))


def _draw_color(rng: np.random.Generator, kind: ClothKind) -> Rgb:
    palette = _COLORS.get(kind)
    if palette is None:
        return _from_hsv(float(rng.random()), float(rng.uniform(0.1, 0.65)), float(rng.uniform(0.3, 0.92)))
    base = palette[int(rng.integers(len(palette)))]
    red, green, blue = (int(np.clip(channel + rng.normal(0, 6), 16, 248)) for channel in base)
    return red, green, blue


def _draw_accent(rng: np.random.Generator, kind: ClothKind, color: Rgb) -> Rgb:
    if kind != "patterned":
        # Straps: white as a rule; dark ones on dark cloth.
        return (52, 52, 56) if sum(color) < 270 else (236, 236, 234)
    value = float(rng.uniform(0.75, 0.95)) if sum(color) < 380 else float(rng.uniform(0.2, 0.5))
    return _from_hsv(float(rng.random()), float(rng.uniform(0.0, 0.6)), value)


def _from_hsv(hue: float, saturation: float, value: float) -> Rgb:
    red, green, blue = (round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
