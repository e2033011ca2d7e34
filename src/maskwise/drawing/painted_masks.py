"""Masks for the drawn people: five kinds worn right, and three ways to wear one wrong."""

from __future__ import annotations

from typing import Literal, assert_never

import numpy as np

from maskwise.drawing.canvas import (
    Canvas,
    Colour,
    Cover,
    Points,
    Stroke,
    both_sides,
    curve,
    ellipse,
    mix,
    shade,
    shadow_of,
)
from maskwise.drawing.head import half_width_at, mouth_y
from maskwise.drawing.traits import Person

MaskKind = Literal["surgical", "folded", "sculpted", "cup", "cloth"]
PaintedWearing = Literal["right", "nose_out", "mouth_out", "on_chin"]
MASK_KINDS: tuple[MaskKind, ...] = ("surgical", "folded", "sculpted", "cup", "cloth")
"""The kinds in the order of the photos mask1 … mask5."""
WRONG_WEARINGS: tuple[PaintedWearing, ...] = ("nose_out", "mouth_out", "on_chin")


def paint_mask(canvas: Canvas, person: Person, kind: MaskKind, wearing: PaintedWearing, light_x: float) -> None:
    """Loops, the mask's shadow on the face, its cloth, pattern, folds and shading."""
    outline_P2 = mask_outline(person, kind, wearing)
    colour = _colour(person, kind)
    _paint_loops(canvas, outline_P2, kind, wearing)
    canvas.glaze([Stroke(outline_P2 + np.array([-0.02 * light_x, 0.035]), 0.5)], shadow_of(person.skin), 0.035)
    layer, cover_HW = canvas.copy(), canvas.cover(outline_P2)
    layer.fill(outline_P2, colour)
    top, bottom = float(outline_P2[:, 1].min()), float(outline_P2[:, 1].max())
    _paint_pattern(layer, person, kind, top, bottom)
    _shade_cloth(layer, outline_P2, colour, cover_HW, light_x)
    _paint_folds(layer, kind, top, bottom, colour, cover_HW)
    canvas.paste(layer, cover_HW)
    canvas.line(np.concatenate([outline_P2, outline_P2[:1]]), shade(colour, 0.78), 0.018)


def mask_outline(person: Person, kind: MaskKind, wearing: PaintedWearing) -> Points:
    """The outline of the mask on the face, closed, in face units. Worn wrong it sits lower and is pushed together."""
    bones = person.bones
    top, bottom = 0.2, bones.chin_y + 0.09
    if wearing == "nose_out":
        top = bones.nose_y + 0.14
    elif wearing == "mouth_out":
        top, bottom = mouth_y(bones) + 1.6 * person.features.lip_fullness, bones.chin_y + 0.2
    elif wearing == "on_chin":
        top, bottom = bones.chin_y - 0.2, bones.chin_y + 0.32
    bridge = {"surgical": 0.0, "folded": 0.02, "sculpted": -0.05, "cup": -0.03, "cloth": 0.0}[kind]
    bridge = bridge if wearing == "right" else 0.05
    side_top = top + (0.16 if wearing == "right" else 0.06)
    height = bottom - top
    rows = [(0.30, top + 0.06), (0.62, side_top - 0.02)]
    outer_y = (side_top + 0.02, top + 0.45 * height, top + 0.72 * height)
    bulge = {"surgical": 1.0, "folded": 0.97, "sculpted": 0.95, "cup": 0.92, "cloth": 0.98}[kind]
    edge = [(bulge * _reach(person, y), y) for y in outer_y]
    low = [(0.7 * _reach(person, bottom - 0.3 * height), bottom - 0.08 * height), (0.3, bottom - 0.01), (0.0, bottom)]
    return both_sides([(0.0, top + bridge), *rows, *edge, *low])


def _reach(person: Person, y: float) -> float:
    """Half the width of a mask at height ``y``: it follows the jaw and spans the hollow below it."""
    inside = min(y, person.bones.chin_y - 0.32)
    return 0.965 * half_width_at(person.bones, inside) * (1.0 if y < 1.0 else 1.02)


def _colour(person: Person, kind: MaskKind) -> Colour:
    tint = person.style.mask_tint
    match kind:
        case "surgical":
            return mix((128, 186, 220), tint, 0.1)
        case "folded":
            return mix((240, 240, 238), tint, 0.03)
        case "sculpted":
            return mix((42, 42, 46), tint, 0.06)
        case "cup":
            return mix((226, 220, 206), tint, 0.05)
        case "cloth":
            return tint
        case _:
            assert_never(kind)


def _paint_loops(canvas: Canvas, outline_P2: Points, kind: MaskKind, wearing: PaintedWearing) -> None:
    """Ear loops from the corners to the ears, or a cup's two bands around the head."""
    band: Colour = (40, 40, 44) if kind == "sculpted" else (226, 216, 190) if kind == "cup" else (240, 240, 240)
    half = outline_P2[: len(outline_P2) // 2]
    upper = half[int(np.argmax(half[:, 0] > 0.96 * half[:, 0].max()))]
    lower_y = upper[1] + 0.62 * (outline_P2[:, 1].max() - upper[1])
    lower = half[int(np.argmin(np.abs(half[:, 1] - lower_y) + (half[:, 0] < 0.3) * 9.0))]
    ear_top, ear_low = ((1.02, -0.35), (1.03, 0.2)) if kind == "cup" else ((1.05, -0.02), (1.04, 0.36))
    if wearing == "on_chin":
        ear_top = ear_low
    for side in (1.0, -1.0):
        flip = np.array([side, 1.0])
        for start, end in ((upper, ear_top), (lower, ear_low)):
            middle = 0.5 * (start + np.array(end)) + np.array([0.02, 0.03])
            path_P2 = curve(np.stack([start * 0.98, middle, np.array(end)]) * flip)
            canvas.glaze([Stroke(path_P2 + np.array([0.0, 0.03]), 0.3, 0.03)], (60, 30, 20), 0.02)
            canvas.line(path_P2, band, 0.032)


def _shade_cloth(layer: Canvas, outline_P2: Points, colour: Colour, cover_HW: Cover, light_x: float) -> None:
    """Roundness: dark rims, darker away from the light, a bright ridge where the nose lifts the cloth."""
    half = len(outline_P2) // 2
    rims = [
        Stroke(outline_P2[4 : half - 4], 0.4 + 0.2 * max(-light_x, 0.0), 0.16),
        Stroke(outline_P2[half + 4 : -4], 0.4 + 0.2 * max(light_x, 0.0), 0.16),
    ]
    layer.glaze(rims, mix(shade(colour, 0.45), (40, 46, 70), 0.25), 0.1, cover_HW)
    top, bottom = float(outline_P2[:, 1].min()), float(outline_P2[:, 1].max())
    middle = top + 0.42 * (bottom - top)
    ridge_P2 = ellipse((0.12 * light_x, middle), 0.24, 0.24 * (bottom - top))
    layer.glaze([Stroke(ridge_P2, 0.4)], mix(shade(colour, 1.15), (255, 255, 255), 0.3), 0.12, cover_HW)


def _paint_folds(layer: Canvas, kind: MaskKind, top: float, bottom: float, colour: Colour, cover_HW: Cover) -> None:
    height = bottom - top

    def across(share: float, sag: float) -> Points:
        y = top + share * height
        return curve([(-0.98, y - sag), (-0.5, y), (0.0, y + 0.5 * sag), (0.5, y), (0.98, y - sag)])

    down_P2 = curve([(0.0, top), (0.03, top + 0.35 * height), (0.0, top + 0.7 * height), (0.0, bottom)])
    match kind:
        case "surgical":
            paths = [(across(share, 0.05), 0.022) for share in (0.36, 0.54, 0.72)] + [(across(0.13, 0.02), 0.03)]
        case "folded":
            paths = [(across(0.36, 0.1), 0.03), (across(0.72, -0.06), 0.03)]
        case "sculpted":
            paths = [(down_P2, 0.03)]
        case "cup":
            paths = [(across(0.2, 0.05), 0.035), (across(0.86, -0.12), 0.03), (across(0.8, -0.12), 0.02)]
        case "cloth":
            paths = [(down_P2, 0.02), (across(0.1, 0.05), 0.016), (across(0.92, -0.05), 0.016)]
        case _:
            assert_never(kind)
    layer.glaze([Stroke(path_P2, 0.6, width) for path_P2, width in paths], shade(colour, 0.55), 0.014, cover_HW)
    lit = [Stroke(path_P2 + np.array([0.0, -0.035]), 0.5, width) for path_P2, width in paths if width > 0.016]
    layer.glaze(lit, mix(shade(colour, 1.2), (255, 255, 255), 0.25), 0.014, cover_HW)


def _paint_pattern(layer: Canvas, person: Person, kind: MaskKind, top: float, bottom: float) -> None:
    """Dots, stripes or checks on cloth, a valve on some cups."""
    tint, height = person.style.mask_tint, bottom - top
    if kind == "cup":
        valve_xy = (0.3, top + 0.62 * height)
        layer.fill(ellipse(valve_xy, 0.13, 0.1), (140, 142, 146))
        layer.fill(ellipse(valve_xy, 0.1, 0.072), (214, 214, 212))
    if kind != "cloth":
        return
    print_colour = mix(tint, (250, 246, 236) if sum(tint) < 480 else (40, 44, 80), 0.65)
    if person.style.mask_pattern == 0:
        for row in range(8):
            for column in range(-6, 7):
                place = (0.17 * column + 0.085 * (row % 2), top + 0.08 + 0.16 * row)
                layer.fill(ellipse(place, 0.042, 0.042, 14), print_colour)
    elif person.style.mask_pattern == 1:
        for x in np.arange(-0.95, 1.0, 0.24):
            layer.line(curve([(x, top - 0.1), (1.06 * x, top + 0.5 * height), (0.9 * x, bottom)]), print_colour, 0.07)
    else:
        for y in np.arange(top, bottom, 0.2):
            layer.line(curve([(-1.0, y), (0.0, y + 0.06), (1.0, y)]), print_colour, 0.05)
        for x in np.arange(-0.9, 1.0, 0.22):
            layer.line(curve([(x, top - 0.1), (x, bottom)]), mix(tint, print_colour, 0.6), 0.05)
