"""Cloth drawn by code: color, print, weave, folds, seams and creases on a flat piece, before it is put on a face.

A piece is 120 × 160 × 3, RGB; its upper edge lies along the bridge of the nose, its sides towards the ears.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import assert_never

import cv2
import numpy as np

from maskwise.drawing.mask_plan import ClothKind, MaskPlan
from maskwise.records import Floats, Image
from maskwise.seeds import rng_for

HEIGHT, WIDTH = 120, 160

Relief = Floats
"""How far the cloth stands out at each point, HEIGHT × WIDTH; 1 is about the depth of a fold."""


def draw_cloth(plan: MaskPlan, light_x: float, gain_C: Floats, rng: np.random.Generator) -> Image:
    """The plan's cloth, lit from above and from ``light_x`` (-1 left, 1 right) by a light that makes white ``gain_C``.

    ``rng`` decides creases, weave and where prints lie.
    """
    colors_HWC = plain((HEIGHT, WIDTH), lit_color(plan.colour_rgb, gain_C))
    if plan.print != "none":
        _print(colors_HWC, plan, lit_color(plan.accent_rgb, gain_C), rng)
    relief_HW = _folds(plan.kind) + np.float32(0.5 * plan.creases * _stiffness(plan)) * _creases(rng)
    weave = 0.012 if plan.kind in ("surgical", "dark", "n95") else 0.03
    shade_HW = _lit(relief_HW, light_x) * _ink(plan.kind) + np.float32(weave) * grain(HEIGHT, WIDTH, rng)
    cloth_HWC = times(colors_HWC, shade_HW)
    if plan.valve:
        _put_valve(cloth_HWC, plan, gain_C)
    return cloth_HWC


def lit_color(colour_rgb: Sequence[float], gain_C: Floats) -> tuple[float, ...]:
    """A color under a light that makes white ``gain_C``, at most 255."""
    return tuple(min(255.0, float(gain * channel)) for gain, channel in zip(gain_C, colour_rgb, strict=True))


def plain(shape: tuple[int, int], colour_rgb: Sequence[float]) -> Image:
    """One color all over, height × width × 3; merging is 20 times as fast as filling."""
    return np.asarray(cv2.merge([np.full(shape, channel, dtype=np.uint8) for channel in colour_rgb]), dtype=np.uint8)


def times(pixels_HWC: Image, shade_HW: Relief) -> Image:
    """Pixels times a brightness of 0 to 2, in 8 bits: several times as fast as in floats."""
    shade_HW = cv2.convertScaleAbs(cv2.max(shade_HW, 0), alpha=127.0)
    return np.asarray(cv2.multiply(pixels_HWC, cv2.merge([shade_HW] * 3), scale=1 / 127), dtype=np.uint8)


def grain(height: int, width: int, rng: np.random.Generator) -> Relief:
    """Noise of deviation 1, height × width: a part of one fixed tile, since drawing it anew costs more than a mask."""
    tile_HW = _tile()
    top, left = (int(start) for start in rng.integers(0, len(tile_HW) // 2, 2))
    part_HW = tile_HW[top : top + height, left : left + width]
    if part_HW.shape == (height, width):
        return part_HW
    down, right = height - part_HW.shape[0], width - part_HW.shape[1]
    return np.pad(part_HW, ((0, down), (0, right)), mode="reflect")


@lru_cache(maxsize=1)
def _tile() -> Relief:
    return rng_for(0, "grain of masks").standard_normal((512, 512), dtype=np.float32)


def _stiffness(plan: MaskPlan) -> float:
    """How readily the kind crumples."""
    return {"surgical": 0.5, "kf94": 0.6, "n95": 0.3, "cloth": 1.2, "patterned": 1.2, "dark": 0.5}[plan.kind]


def _lit(relief_HW: Relief, light_x: float) -> Relief:
    """Brightness of each point by the slope of the cloth there, around 1."""
    # Light from above brightens what rises downwards; from the right, what falls towards the right. Two Sobel slopes.
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], dtype=np.float32) / 8
    kernel = 0.85 * down - np.float32(0.7 * light_x) * down.T
    shade_HW = cv2.filter2D(relief_HW, cv2.CV_32F, kernel.astype(np.float32))
    return np.asarray(cv2.min(cv2.max(shade_HW, -0.45), 0.35) + np.float32(1), dtype=np.float32)


@lru_cache(maxsize=8)
def _folds(kind: ClothKind) -> Relief:
    """What every mask of the kind has: pleats, panels, seams, hems, the bump of the nose."""
    v_H1, u_1W = _axes()
    side_1W = np.clip((1 - np.abs(u_1W)) / 0.14, 0, 1)
    relief_HW = 3.0 * np.exp(-((u_1W / 0.15) ** 2)) * np.clip(1 - v_H1 / 0.5, 0, 1) + 0 * v_H1
    relief_HW = relief_HW + 2.0 * np.exp(-((u_1W / 0.5) ** 2 + ((v_H1 - 0.55) / 0.4) ** 2))
    match kind:
        case "surgical":
            for place in (0.34, 0.52, 0.70):
                relief_HW = relief_HW - 2.2 * side_1W * _step(v_H1 - place - 0.02 * u_1W**2, 0.010)
        case "kf94":
            relief_HW = relief_HW - 1.6 * _groove(v_H1 - 0.34 - 0.10 * u_1W**2, 0.016)
            relief_HW = relief_HW - 1.6 * _groove(v_H1 - 0.70 + 0.12 * u_1W**2, 0.016)
            relief_HW = relief_HW - 2.5 * np.abs(v_H1 - 0.52)
        case "n95":
            inner_HW = np.maximum(np.abs(u_1W) / 0.88, np.abs(v_H1 - 0.5) / 0.43)
            relief_HW = relief_HW - 1.6 * _groove(inner_HW - 1, 0.02) + 4.0 * np.sqrt(np.clip(1.05 - inner_HW, 0, 1))
        case "cloth" | "patterned":
            relief_HW = relief_HW - 1.3 * _groove(u_1W, 0.012)
            relief_HW = relief_HW - 0.7 * _groove(np.abs(u_1W) - 0.9, 0.012)
        case "dark":
            relief_HW = relief_HW - 1.8 * _groove(u_1W, 0.02) + 1.5 * (1 - np.abs(u_1W))
        case _:
            assert_never(kind)
    hem_HW = np.minimum(np.minimum(v_H1, 1 - v_H1) / 0.05, 1.0)
    return np.ascontiguousarray(relief_HW + 0.8 * hem_HW, dtype=np.float32)


@lru_cache(maxsize=8)
def _ink(kind: ClothKind) -> Relief:
    """Lines that are darker whatever the light: stitches and the undersides of pleats."""
    v_H1, u_1W = _axes()
    dark_HW = 0.10 * _groove(np.minimum(v_H1, 1 - v_H1) - 0.055, 0.008) + 0 * u_1W
    if kind == "surgical":
        for place in (0.34, 0.52, 0.70):
            dark_HW = dark_HW + 0.22 * _groove(v_H1 - place - 0.02 * u_1W**2, 0.011)
        dark_HW = dark_HW + 0.08 * _groove(np.abs(u_1W) - 0.93, 0.01)
    elif kind == "kf94":
        dark_HW = dark_HW + 0.14 * _groove(v_H1 - 0.34 - 0.10 * u_1W**2, 0.01)
        dark_HW = dark_HW + 0.14 * _groove(v_H1 - 0.70 + 0.12 * u_1W**2, 0.01)
    elif kind in ("cloth", "patterned"):
        dark_HW = dark_HW + 0.15 * _groove(u_1W, 0.009)
    return np.ascontiguousarray(1 - dark_HW, dtype=np.float32)


@lru_cache(maxsize=1)
def _axes() -> tuple[Relief, Relief]:
    """(0 at the upper edge to 1 at the lower, HEIGHT × 1; -1 at the left edge to 1 at the right, 1 × WIDTH)."""
    v_H1 = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    return v_H1, np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]


def _groove(distance: Relief, width: float) -> Relief:
    return np.asarray(np.exp(-((distance / np.float32(width)) ** 2)))


def _step(distance: Relief, width: float) -> Relief:
    """From 0 above to 1 below and back: a pleat that lies over the next one."""
    rise = 1 / (1 + np.exp(np.clip(-distance / np.float32(width), -30, 30)))
    return np.asarray(rise * np.exp(-np.maximum(distance, 0) / np.float32(0.12)))


def _creases(rng: np.random.Generator) -> Relief:
    """Soft folds from side to side and between the corners, deepest at the sides where straps pull."""
    coarse_hw = rng.standard_normal((9, 4)).astype(np.float32)
    wide_HW = cv2.resize(coarse_hw, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine_hw = rng.standard_normal((14, 9)).astype(np.float32)
    fine_HW = cv2.resize(fine_hw, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    _, u_1W = _axes()
    return np.asarray((1.0 + 1.2 * u_1W**2) * wide_HW + (0.3 + 0.9 * u_1W**2) * fine_HW, dtype=np.float32)


def _print(cloth_HWC: Image, plan: MaskPlan, accent_rgb: tuple[float, ...], rng: np.random.Generator) -> None:
    """The plan's print in ``accent_rgb``."""
    pitch = int(rng.integers(11, 24))
    pattern = plan.print
    match pattern:
        case "dots":
            for row, y in enumerate(range(pitch // 2, HEIGHT, pitch)):
                for x in range((row % 2) * pitch // 2, WIDTH, pitch):
                    cv2.circle(cloth_HWC, (x, y), max(2, pitch // 4), accent_rgb, -1, cv2.LINE_AA)
        case "stripes":
            lean = int(rng.integers(-30, 31))
            for x in range(-40, WIDTH + 40, pitch):
                cv2.line(cloth_HWC, (x, 0), (x + lean, HEIGHT), accent_rgb, max(2, pitch // 3), cv2.LINE_AA)
        case "checks":
            _print_checks(cloth_HWC, accent_rgb, pitch)
        case "blots":
            for _ in range(3600 // pitch):
                center = (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT)))
                axes = (int(rng.integers(3, 3 + pitch // 2)), int(rng.integers(2, 2 + pitch // 3)))
                cv2.ellipse(cloth_HWC, center, axes, float(rng.uniform(0, 180)), 0, 360, accent_rgb, -1, 16)
        case "none":
            return
        case _:
            assert_never(pattern)


def _print_checks(cloth_HWC: Image, accent_rgb: tuple[float, ...], pitch: int) -> None:
    """Two sets of half-covering bands, as woven."""
    for axis, length in ((0, HEIGHT), (1, WIDTH)):
        band = (np.arange(length) % pitch) < pitch // 2
        where = np.flatnonzero(band)
        part = cloth_HWC[where] if axis == 0 else cloth_HWC[:, where]
        mixed = (0.5 * part + 0.5 * np.array(accent_rgb)).astype(np.uint8)
        if axis == 0:
            cloth_HWC[where] = mixed
        else:
            cloth_HWC[:, where] = mixed


def _put_valve(cloth_HWC: Image, plan: MaskPlan, gain_C: Floats) -> None:
    rim, lid, slit = (lit_color((gray, gray, gray), gain_C) for gray in (150, 206, 168))
    x, y = WIDTH // 2 + plan.side * 26, 76
    cv2.ellipse(cloth_HWC, (x, y), (15, 14), 0, 0, 360, rim, -1, cv2.LINE_AA)
    cv2.ellipse(cloth_HWC, (x, y), (13, 12), 0, 0, 360, lid, -1, cv2.LINE_AA)
    for offset in (-5, 0, 5):
        cv2.line(cloth_HWC, (x - 8, y + offset), (x + 8, y + offset), slit, 1)
