"""Shoulders, neck and clothes of a drawn person."""

from __future__ import annotations

import numpy as np

from maskwise.drawing.canvas import (
    Canvas,
    Color,
    Cover,
    Points,
    Stroke,
    both_sides,
    curve,
    loop,
    mirrored,
    mix,
    shade,
    shadow_of,
)
from maskwise.drawing.traits import Person


def paint_body(canvas: Canvas, person: Person) -> None:
    """Shoulders, clothes and neck."""
    bones, skin = person.bones, person.skin
    neck, wide = bones.neck, bones.shoulders
    torso = [
        (neck, 1.75),
        (neck + 0.22, 1.92),
        (0.62 * wide, 2.12),
        (0.93 * wide, 2.36),
        (wide + 0.1, 2.9),
        (wide + 0.15, 4.2),
    ]
    side_P2 = curve(torso)
    torso_P2 = np.concatenate([side_P2, mirrored(side_P2[::-1])])
    neck_P2 = both_sides(
        [(0, 0.6), (neck * 0.9, 0.75), (neck * 0.97, 1.5), (neck + 0.06, 1.8), (neck + 0.06, 2.2), (0, 3.2)]
    )
    canvas.fill(torso_P2, person.style.clothes_color)
    canvas.fill(neck_P2, mix(skin, shadow_of(skin), 0.12))
    _shade_neck(canvas, person, canvas.cover(neck_P2))
    _paint_clothes(canvas, person, torso_P2)


def _shade_neck(canvas: Canvas, person: Person, within_HW: Cover) -> None:
    bones, dark = person.bones, shadow_of(person.skin)
    chin_y = bones.chin_y
    under_chin_P2 = loop(
        [(-0.9, 0.8), (0, 0.7), (0.9, 0.8), (0.62, chin_y + 0.12), (0, chin_y + 0.26), (-0.62, chin_y + 0.12)]
    )
    strokes = [Stroke(under_chin_P2, 0.62)]
    for side in (1.0, -1.0):
        strokes.append(Stroke(curve([(side * bones.neck, 1.2), (side * bones.neck * 0.98, 1.9)]), 0.3, 0.1))
        strokes.append(Stroke(curve([(side * 0.42, 1.95), (side * 0.12, 2.28)]), 0.22, 0.05))
    canvas.glaze(strokes, dark, 0.09, within_HW)
    rings = [
        Stroke(curve([(-0.8 * bones.neck, y), (0, y + 0.07), (0.8 * bones.neck, y)]), 0.5 * person.aging.neck, 0.022)
        for y in (chin_y + 0.2, chin_y + 0.34)
    ]
    cords = [Stroke(curve([(x, chin_y + 0.15), (0.8 * x, 2.05)]), 0.35 * person.aging.neck, 0.03) for x in (-0.2, 0.2)]
    canvas.glaze(rings + cords, dark, 0.018, within_HW)


def _paint_clothes(canvas: Canvas, person: Person, torso_P2: Points) -> None:
    """The garment again around its neckline, then collar, folds and seams."""
    kind, color, neck = person.style.clothes, person.style.clothes_color, person.bones.neck
    edge = shade(color, 0.78)
    depth = {"crew": 2.22, "v_neck": 2.7, "shirt": 2.45, "turtleneck": 1.78, "hoodie": 2.2}[kind]
    sharp = kind in ("v_neck", "shirt")
    top = (neck + 0.02, 1.62) if kind == "turtleneck" else (neck + 0.24, 1.9)
    half = [top, (0.0, depth)] if sharp else [top, (0.62 * neck, depth - 0.12), (0.0, depth)]
    opening_P2 = np.array(half) if sharp else curve([*half, (-half[1][0], half[1][1]), (-top[0], top[1])])
    if sharp:
        opening_P2 = np.concatenate([opening_P2, mirrored(opening_P2[:-1][::-1])])
    layer = canvas.copy()
    below_P2 = np.concatenate([opening_P2, [(-3.5, 1.6), (-3.5, 4.4), (3.5, 4.4), (3.5, 1.6)]])
    layer.fill(below_P2, color)
    if kind == "turtleneck":
        collar_P2 = both_sides([(0, 1.58), (0.6 * neck, 1.56), (neck + 0.04, 1.48), (neck + 0.1, 1.95), (0, 2.12)])
        torso_P2 = np.concatenate([torso_P2, collar_P2])
    cover_HW = canvas.cover(torso_P2)
    canvas.paste(layer, cover_HW)
    canvas.line(opening_P2, edge, 0.05)
    folds = [
        Stroke(curve([(side * (neck + x), 2.1 + x), (side * (neck + 0.5 * x), 3.4)]), 0.3, 0.07)
        for side in (1.0, -1.0)
        for x in (0.35, 0.8)
    ]
    canvas.glaze(folds, shade(color, 0.55), 0.08, cover_HW)
    if kind == "turtleneck":
        canvas.fill(collar_P2, shade(color, 0.96))
        canvas.glaze([Stroke(curve([(-neck, 1.98), (0, 2.1), (neck, 1.98)]), 0.5, 0.05)], shade(color, 0.5), 0.03)
    if kind == "shirt":
        _paint_collar(canvas, color, top, depth)
    if kind == "hoodie":
        for x in (-0.28, 0.28):
            canvas.line(curve([(x, 2.25), (1.1 * x, 2.95)]), mix(color, (250, 250, 250), 0.7), 0.05)


def _paint_collar(canvas: Canvas, color: Color, top: tuple[float, float], depth: float) -> None:
    for side in (1.0, -1.0):
        flap = np.array([(top[0] - 0.1, 1.72), (top[0] + 0.14, 1.95), (0.52, depth + 0.2), (0.02, depth)]) * (side, 1)
        canvas.fill(flap, shade(color, 1.06))
        canvas.line(np.concatenate([flap[1:], flap[:1]]), shade(color, 0.72), 0.025)
    canvas.line(np.array([(0.0, depth), (0.0, 4.2)]), shade(color, 0.75), 0.025)
