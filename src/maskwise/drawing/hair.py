"""Hair and beard of a drawn person: contours bound by a hairline, filled with strands."""

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
    ellipse,
    mirrored,
    mix,
    shade,
    taper,
)
from maskwise.drawing.head import half_width_at, mouth_y
from maskwise.drawing.traits import GRAY_HAIR, Hair, Person

OPEN_HAIR_FROM = 0.22
"""Hair longer than this hangs down beside the face."""
BALD_FROM = 0.8
"""Hair that recedes further than this leaves the top of the head bare."""


def paint_back_hair(canvas: Canvas, person: Person) -> None:
    """What hangs or is tied behind the head; painted before the body."""
    hair, color = person.hair, hair_color(person.hair)
    if hair.tied == "bun":
        canvas.fill(ellipse((0.05, -1.62 - hair.volume), 0.4, 0.36), shade(color, 0.8))
        canvas.glaze([Stroke(ellipse((-0.05, -1.72 - hair.volume), 0.2, 0.12), 0.4)], shade(color, 1.35), 0.08)
    elif hair.tied == "ponytail":
        tail_P2 = curve([(0.3, -0.9), (1.05, -0.6), (1.28, 0.3), (1.15, 1.2), (1.22, 1.9)])
        canvas.fill(taper(tail_P2, 0.55, 0.6, 0.1), shade(color, 0.75))
    elif _hangs(hair):
        end_y = _end_y(hair)
        wide = 1.02 + hair.volume + 0.15 * hair.curl
        back_P2 = both_sides(
            [(0, -1.3), (0.9, -0.8), (wide, 0.2), (wide + 0.05, 0.6 * end_y), (0.9 * wide, end_y), (0, end_y - 0.1)]
        )
        canvas.fill(back_P2, shade(color, 0.62))


def paint_front_hair(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """What grows over the head and hangs beside the face; painted over a mask's straps."""
    hair = person.hair
    for side in (1.0, -1.0):
        outer_P2, inner_P2 = _half(hair, side)
        outline_P2 = np.concatenate([outer_P2, inner_P2[::-1]])
        cover_HW = canvas.cover(outline_P2)
        layer = canvas.copy()
        layer.fill(outline_P2, hair_color(hair))
        _paint_strands(layer, hair, outer_P2, inner_P2, rng)
        _shade_hair(layer, hair, outer_P2, inner_P2)
        _cast_shadow(canvas, person, inner_P2)
        canvas.paste(layer, cover_HW)
        canvas.line(outer_P2, shade(hair_color(hair), 0.8), 0.02)


def paint_beard(canvas: Canvas, person: Person, face_HW: Cover, rng: np.random.Generator) -> None:
    """Stubble, moustache, goatee or full beard; painted before a mask."""
    hair = person.hair
    if hair.beard == "none":
        return
    color = mix(shade(hair.color, 0.9), GRAY_HAIR, 0.9 * hair.gray)
    regions = _beard_regions(person)
    strokes = [Stroke(region_P2, hair.beard_density) for region_P2 in regions]
    blur = 0.07 if hair.beard == "stubble" else 0.03
    canvas.glaze(strokes, color, blur, face_HW)
    if hair.beard == "stubble":
        return
    layer, cover_HW = canvas.copy(), canvas.cover(*regions)
    low, high = np.concatenate(regions).min(axis=0), np.concatenate(regions).max(axis=0)
    roots_K2 = rng.uniform(low, high, size=(90, 2))
    tips_K2 = roots_K2 * (1.05, 1.0) + (0.0, 0.09)
    tone_K = rng.uniform(0.75, 1.4, size=len(roots_K2))
    colors = [shade(color, tone) for tone in tone_K.tolist()]
    layer.lines(list(np.stack([roots_K2, tips_K2], axis=1)), colors, [0.012] * len(colors))
    canvas.paste(layer, cover_HW)


def hair_color(hair: Hair) -> Color:
    """The color of the hair as a whole, gray strands stirred in."""
    return mix(hair.color, GRAY_HAIR, 0.85 * hair.gray)


def _end_y(hair: Hair) -> float:
    """How far down open hair hangs, in face units: from the jaw to below the shoulders."""
    return 0.7 + 1.9 * (hair.length - OPEN_HAIR_FROM) / (1 - OPEN_HAIR_FROM)


def _hangs(hair: Hair) -> bool:
    return hair.length > OPEN_HAIR_FROM and hair.tied == "open" and hair.recession <= BALD_FROM


def _half(hair: Hair, side: float) -> tuple[Points, Points]:
    """Outer contour and hairline of one side, both from the parting downwards, with equally many points."""
    if hair.recession > BALD_FROM:
        outer, inner = _bald_half(hair)
    elif _hangs(hair):
        outer, inner = _open_half(hair, side)
    else:
        outer, inner = _short_half(hair, side)
    outer_P2, inner_P2 = curve(outer, 10), curve(inner, 10)
    if hair.curl > 0.35:
        outer_P2 = _curled(outer_P2, 0.05 * hair.curl)
    return outer_P2 * np.array([side, 1.0]), inner_P2 * np.array([side, 1.0])


def _top(hair: Hair, side: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Contour and hairline from the parting to the temple."""
    up, back = hair.volume, hair.recession / BALD_FROM
    part = side * hair.parting
    line_y = -0.98 - 0.2 * back + 0.46 * hair.fringe
    corner_y = -0.86 - 0.36 * back + 0.36 * hair.fringe
    # The contour is a quarter of an ellipse that begins at the parting, so both halves meet without a corner.
    wide, high = 1.0 + 0.6 * up, 1.02 + up
    angles = np.linspace(np.arcsin(part / wide), np.pi / 2, 4)
    outer = [(float(wide * np.sin(angle)), float(-0.4 - high * np.cos(angle))) for angle in angles]
    inner = [(part, line_y), (0.4 + 0.4 * part, line_y - 0.02 - 0.1 * back), (0.68, corner_y + 0.08), (0.88, -0.38)]
    return outer, inner


def _short_half(hair: Hair, side: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    outer, inner = _top(hair, side)
    low_y = 0.12 + 0.3 * hair.length
    outer += [(1.01 + 0.4 * hair.volume, -0.1), (0.985, low_y)]
    inner += [(0.93, -0.1), (0.94, low_y)]
    return outer, inner


def _open_half(hair: Hair, side: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    outer, inner = _top(hair, side)
    end_y, wide = _end_y(hair), 1.05 + 0.7 * hair.volume
    flare = wide + 0.1 + 0.12 * hair.curl
    outer += [(wide, 0.1), (flare, 0.1 + 0.5 * (end_y - 0.1)), (flare - 0.1, end_y)]
    inner += [(0.92, 0.1), (0.86, 0.1 + 0.55 * (end_y - 0.1)), (0.92, end_y + 0.08)]
    return outer, inner


def _bald_half(hair: Hair) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    out = 0.4 * hair.volume
    outer = [(0.9, -0.84), (1.0 + out, -0.62), (1.03 + out, -0.3), (1.02 + out, -0.1), (0.985, 0.15)]
    inner = [(0.9, -0.84), (0.9, -0.6), (0.92, -0.35), (0.94, -0.1), (0.94, 0.15)]
    return outer, inner


def _curled(paths_KP2: Points, amplitude: float) -> Points:
    """The paths (any number of axes before the last two) with waves across them."""
    slope = np.gradient(paths_KP2, axis=-2)
    length = np.maximum(np.sqrt((slope * slope).sum(axis=-1, keepdims=True)), 1e-9)
    normal = slope[..., ::-1] * np.array([-1.0, 1.0]) / length
    return np.asarray(paths_KP2 + normal * (amplitude * np.sin(24 * np.cumsum(length, axis=-2))))


def _paint_strands(layer: Canvas, hair: Hair, outer_P2: Points, inner_P2: Points, rng: np.random.Generator) -> None:
    count = 26
    share_K11 = rng.uniform(0.03, 0.97, size=(count, 1, 1))
    strands_KP2 = share_K11 * outer_P2 + (1 - share_K11) * inner_P2
    if hair.curl > 0.35:
        strands_KP2 = _curled(strands_KP2, 0.035 * hair.curl)
    first_K, length_K = rng.integers(0, len(outer_P2) // 2, size=count), rng.integers(12, 45, size=count)
    is_gray_K, tone_K = rng.random(count) < 0.7 * hair.gray - 0.07, rng.uniform(0.72, 1.3, size=count)
    gray, whole = mix(hair.color, GRAY_HAIR, 0.95), hair_color(hair)
    layer.lines(
        [strand[first : first + length] for strand, first, length in zip(strands_KP2, first_K, length_K, strict=True)],
        [shade(gray if is_gray else whole, tone) for is_gray, tone in zip(is_gray_K, tone_K.tolist(), strict=True)],
        rng.uniform(0.01, 0.03, size=count).tolist(),
    )


def _shade_hair(layer: Canvas, hair: Hair, outer_P2: Points, inner_P2: Points) -> None:
    """A sheen across the top and the dark of the parting and of the hair's inside."""
    color, middle_P2 = hair_color(hair), 0.55 * outer_P2 + 0.45 * inner_P2
    layer.glaze([Stroke(middle_P2[4:24], 0.4, 0.12)], mix(shade(color, 1.35), (255, 240, 220), 0.15), 0.09)
    parting_P2 = np.stack([outer_P2[0], inner_P2[0]])
    layer.glaze([Stroke(parting_P2, 0.4, 0.02), Stroke(inner_P2[30:], 0.45, 0.06)], shade(color, 0.5), 0.03)


def _cast_shadow(canvas: Canvas, person: Person, inner_P2: Points) -> None:
    """The soft shadow of the hair on the forehead and the cheeks."""
    canvas.glaze([Stroke(inner_P2, 0.35, 0.06)], mix(shade(person.skin, 0.4), (60, 24, 16), 0.3), 0.05)


def _beard_regions(person: Person) -> list[Points]:
    bones, features, kind = person.bones, person.features, person.hair.beard
    y, wide, chin_y = mouth_y(bones), features.lip_width, bones.chin_y
    top_y, full = y - 1.1 * features.lip_fullness, features.lip_fullness
    moustache_P2 = both_sides(
        [
            (0, bones.nose_y + 0.11),
            (0.5 * wide, top_y - 0.06),
            (1.12 * wide, y + 0.03),
            (0.5 * wide, top_y + 0.04),
            (0, top_y + 0.05),
        ]
    )
    if kind == "moustache":
        return [moustache_P2]
    below_y = y + 1.7 * full
    if kind == "goatee":
        chin_P2 = both_sides(
            [
                (0, below_y),
                (0.5 * wide, below_y + 0.02),
                (bones.chin, chin_y - 0.22),
                (0.7 * bones.chin, chin_y),
                (0, chin_y + 0.04),
            ]
        )
        corners_P2 = curve([(1.1 * wide, y), (1.05 * bones.chin, chin_y - 0.2)])
        return [moustache_P2, chin_P2, *(taper(path_P2, 0.1, 1, 1) for path_P2 in (corners_P2, mirrored(corners_P2)))]
    edge = [(half_width_at(bones, height) * 1.02, height) for height in (0.2, 0.6, 0.95, chin_y - 0.15)]
    jaw_P2 = both_sides(
        [
            (0, below_y),
            (0.7 * wide, below_y),
            (1.15 * wide, y),
            (0.6, 0.78),
            (0.88, 0.25),
            *edge,
            (0.4 * bones.chin, chin_y + 0.05),
            (0, chin_y + 0.06),
        ]
    )
    return [moustache_P2, jaw_P2]
