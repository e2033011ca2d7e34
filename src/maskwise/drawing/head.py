"""Head and features of a drawn face, painted from the back to the front."""

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
    loop,
    mix,
    shade,
    shadow_of,
    taper,
)
from maskwise.drawing.traits import GRAY_HAIR, Bones, Person


def head_outline(bones: Bones) -> Points:
    """The outline of the head without ears, closed."""
    return both_sides(
        [
            (0.0, -1.42),
            (0.52, -1.30),
            (0.88, -0.88),
            (0.99, -0.25),
            (0.97, 0.30),
            (bones.jaw, 0.85),
            (bones.chin + 0.14, bones.chin_y - 0.22),
            (0.62 * bones.chin, bones.chin_y - 0.04),
            (0.0, bones.chin_y),
        ]
    )


def half_width_at(bones: Bones, y: float) -> float:
    """Half the width of the face at height ``y``, in face units."""
    right_P2 = _right_half(bones)
    return float(np.interp(y, right_P2[:, 1], right_P2[:, 0]))


def paint_head(canvas: Canvas, person: Person, light_x: float) -> Cover:
    """Ears and the skin of the head with its shading; returns where the skin of the face lies."""
    skin, dark = person.skin, shadow_of(person.skin)
    for side in (1.0, -1.0):
        ear_P2 = loop(np.array([(0.95, -0.1), (1.09, -0.13), (1.13, 0.08), (1.07, 0.34), (0.98, 0.42)]) * (side, 1))
        canvas.fill(ear_P2, mix(skin, dark, 0.1))
        canvas.glaze(
            [Stroke(curve(np.array([(1.0, 0.0), (1.07, 0.0), (1.05, 0.2)]) * (side, 1)), 0.5, 0.04)], dark, 0.015
        )
        if person.style.earrings:
            canvas.fill(ellipse((1.05 * side, 0.45), 0.045, 0.055), (226, 196, 120))
    outline_P2 = head_outline(person.bones)
    canvas.fill(outline_P2, skin)
    face_HW = canvas.cover(outline_P2)
    _shade_head(canvas, person, face_HW, light_x)
    _paint_traces_of_age(canvas, person, face_HW)
    return face_HW


def paint_features(canvas: Canvas, person: Person, face_HW: Cover) -> None:
    """Nose, lips, beard, eyes and brows."""
    _paint_nose(canvas, person, face_HW)
    _paint_lips(canvas, person)
    for side in (1.0, -1.0):
        _paint_eye(canvas, person, side)
        _paint_brow(canvas, person, side)


def paint_glasses(canvas: Canvas, person: Person) -> None:
    """Frames, if the person wears any; they lie on top of a mask."""
    kind, color = person.style.glasses, person.style.glasses_color
    if kind == "none":
        return
    spacing, width = person.features.eye_spacing, 0.02 if kind == "thin" else 0.042
    for side in (1.0, -1.0):
        if kind == "round":
            rim_P2 = ellipse((side * spacing, 0.05), 0.31, 0.28, 40)
        else:
            corners = np.array([(-0.3, -0.19), (0.32, -0.2), (0.33, 0.08), (0.22, 0.26), (-0.2, 0.26), (-0.29, 0.1)])
            rim_P2 = loop(corners * (side, 0.95) + (side * spacing, 0.04))
        canvas.glaze([Stroke(rim_P2, 0.1)], (255, 255, 255), 0.0)
        canvas.line(np.concatenate([rim_P2, rim_P2[:1]]), color, width)
        canvas.line(curve([(side * (spacing + 0.3), -0.02), (side * 0.98, -0.04)]), shade(color, 0.85), width)
    canvas.line(curve([(-spacing + 0.3, 0.0), (0.0, -0.05), (spacing - 0.3, 0.0)]), color, width)


def _right_half(bones: Bones) -> Points:
    outline_P2 = head_outline(bones)
    return outline_P2[: len(outline_P2) // 2]


def _shade_head(canvas: Canvas, person: Person, face_HW: Cover, light_x: float) -> None:
    """Roundness: a dark rim, darker on the side away from the light, and a bright middle."""
    skin, dark, bones = person.skin, shadow_of(person.skin), person.bones
    rim_P2 = head_outline(bones)
    half = len(rim_P2) // 2
    strokes = [
        Stroke(rim_P2[:half], 0.26 + 0.16 * max(-light_x, 0.0), 0.16),
        Stroke(rim_P2[half:], 0.26 + 0.16 * max(light_x, 0.0), 0.16),
        *(Stroke(ellipse((side * 0.42, -0.08), 0.24, 0.13), 0.2) for side in (1.0, -1.0)),
        *(Stroke(curve([(side * 0.86, 0.32), (side * 0.62, 0.85)]), 0.2, 0.14) for side in (1.0, -1.0)),
        Stroke(
            curve([(-0.16, bones.chin_y - 0.28), (0.0, bones.chin_y - 0.31), (0.16, bones.chin_y - 0.28)]), 0.22, 0.05
        ),
    ]
    canvas.glaze(strokes, dark, 0.11, face_HW)
    blush = [Stroke(ellipse((side * 0.6, 0.45), 0.22, 0.16), 0.1 + 0.32 * person.aging.blush) for side in (1.0, -1.0)]
    canvas.glaze(blush, mix(skin, (216, 64, 60), 0.5), 0.12, face_HW)
    shine = [
        Stroke(ellipse((0.25 * light_x, -0.72), 0.42, 0.18), 0.32),
        Stroke(ellipse((0.5 * light_x, 0.26), 0.1, 0.1), 0.12),
        *(Stroke(ellipse((side * 0.52, 0.3), 0.16, 0.09), 0.2) for side in (1.0, -1.0)),
        Stroke(ellipse((0.0, bones.chin_y - 0.17), 0.13, 0.08), 0.2),
    ]
    canvas.glaze(shine, mix(shade(skin, 1.15), (255, 250, 240), 0.35), 0.1, face_HW)


def _paint_traces_of_age(canvas: Canvas, person: Person, face_HW: Cover) -> None:
    """Wrinkles, bags, jowls and spots."""
    aging, bones, dark = person.aging, person.bones, shadow_of(person.skin)
    lines = [
        Stroke(curve([(-0.48, y + 0.02), (-0.2, y - 0.03), (0.2, y - 0.03), (0.48, y + 0.02)]), strength, 0.026)
        for y, strength in (
            (-0.62, 0.75 * aging.forehead),
            (-0.75, 0.65 * aging.forehead),
            (-0.88, 0.5 * aging.forehead),
        )
    ]
    for side in (1.0, -1.0):
        flip = np.array([side, 1.0])
        lines.append(Stroke(curve(np.array([(0.06, -0.3), (0.065, -0.13)]) * flip), 0.35 * aging.forehead, 0.024))
        for tip in ((0.84, -0.1), (0.87, 0.02), (0.84, 0.14)):
            feet = curve(np.array([(0.7, 0.02), (0.78, 0.02 + 0.4 * tip[1]), tip]) * flip)
            lines.append(Stroke(feet, 0.7 * aging.crows_feet, 0.02))
        fold = [(bones.nose_width + 0.06, bones.nose_y - 0.12), (0.4, 0.8), (0.43, 1.0)]
        lines.append(Stroke(curve(np.array(fold) * flip), 0.1 + 0.65 * aging.nasolabial, 0.03))
        marionette = [(0.37, 1.04), (0.42, 1.14), (0.42, 1.24)]
        lines.append(Stroke(curve(np.array(marionette) * flip), 0.4 * aging.jowls, 0.03))
        under_eye = [(0.22, 0.14), (0.4, 0.24), (0.6, 0.16)]
        lines.append(Stroke(curve(np.array(under_eye) * flip), 0.1 + 0.6 * aging.bags, 0.026))
    canvas.glaze(lines, dark, 0.016, face_HW)
    soft = [
        Stroke(
            loop([(side * 0.44, 1.05), (side * 0.62, 0.95), (side * 0.62, 1.2), (side * 0.46, 1.28)]),
            0.5 * aging.jowls,
        )
        for side in (1.0, -1.0)
    ]
    soft += [Stroke(ellipse((side * 0.4, 0.17), 0.19, 0.06), 0.5 * aging.bags) for side in (1.0, -1.0)]
    soft += [Stroke(curve([(side * 0.8, 0.2), (side * 0.66, 0.62)]), 0.35 * aging.jowls, 0.12) for side in (1.0, -1.0)]
    canvas.glaze(soft, dark, 0.06, face_HW)
    places = (
        (-0.74, -0.3),
        (0.7, -0.42),
        (0.62, 0.5),
        (-0.56, 0.62),
        (0.3, -1.0),
        (-0.4, -0.94),
        (0.78, 0.3),
        (-0.8, 0.26),
    )
    spots = [Stroke(ellipse(place, 0.035, 0.03, 12), 0.6 * person.aging.spots) for place in places]
    canvas.glaze(spots, mix(person.skin, (96, 52, 26), 0.7), 0.012, face_HW)


def _paint_nose(canvas: Canvas, person: Person, face_HW: Cover) -> None:
    dark, wide, y = shadow_of(person.skin), person.bones.nose_width, person.bones.nose_y
    soft, sharp = [], []
    for side in (1.0, -1.0):
        flip = np.array([side, 1.0])
        soft.append(Stroke(curve(np.array([(0.15, -0.18), (0.1, 0.1), (0.13, y - 0.15)]) * flip), 0.32, 0.06))
        wing = np.array([(0.7 * wide, y - 0.15), (wide, y - 0.06), (0.92 * wide, y + 0.02), (0.6 * wide, y + 0.03)])
        sharp.append(Stroke(curve(wing * flip), 0.62, 0.03))
        sharp.append(Stroke(ellipse((side * 0.5 * wide, y + 0.03), 0.3 * wide, 0.026), 0.95))
    soft.append(Stroke(curve([(-0.8 * wide, y + 0.06), (0.0, y + 0.1), (0.8 * wide, y + 0.06)]), 0.4, 0.05))
    canvas.glaze(soft, dark, 0.045, face_HW)
    canvas.glaze(sharp, shade(dark, 0.75), 0.014, face_HW)
    shine_P2 = ellipse((0.0, y - 0.1), 0.05, 0.06)
    canvas.glaze(
        [Stroke(shine_P2, 0.5), Stroke(curve([(0, -0.1), (0, 0.4)]), 0.25, 0.06)], (255, 248, 238), 0.04, face_HW
    )


def _paint_lips(canvas: Canvas, person: Person) -> None:
    features, skin = person.features, person.skin
    y = mouth_y(person.bones)
    wide, full, corner_y = features.lip_width, features.lip_fullness, y - features.smile
    natural = mix(skin, (168, 60, 62), 0.42)
    color = mix(natural, features_lipstick(person), 0.85 * person.style.lipstick)
    upper = [(-wide, corner_y), (-0.45 * wide, y - 0.72 * full), (-0.12, y - 0.95 * full), (0, y - 0.72 * full)]
    upper_P2 = curve([*upper, *[(-px, py) for px, py in upper[-2::-1]]])
    seam_P2 = curve(
        [(wide, corner_y), (0.4 * wide, y + 0.012), (0, y - 0.004), (-0.4 * wide, y + 0.012), (-wide, corner_y)]
    )
    lower_P2 = curve(
        [
            (wide, corner_y),
            (0.5 * wide, y + 0.95 * full),
            (0, y + 1.2 * full),
            (-0.5 * wide, y + 0.95 * full),
            (-wide, corner_y),
        ]
    )
    canvas.fill(np.concatenate([upper_P2, seam_P2]), shade(color, 0.86))
    canvas.fill(np.concatenate([seam_P2[::-1], lower_P2]), color)
    canvas.glaze(
        [Stroke(ellipse((0.0, y + 0.55 * full), 0.4 * wide, 0.2 * full), 0.45)],
        shade(mix(color, (255, 235, 230), 0.4), 1.1),
        0.03,
    )
    canvas.fill(taper(seam_P2, 0.026, 0.6, 0.6), mix(shade(color, 0.42), shadow_of(skin), 0.4))


def features_lipstick(person: Person) -> Color:
    """The color that lipstick gives on this skin."""
    return mix(person.style.lipstick_color, person.skin, 0.15)


def mouth_y(bones: Bones) -> float:
    """Height of the mouth's seam, in face units: between the nose and the chin."""
    return bones.nose_y + 0.42 * (bones.chin_y - bones.nose_y)


def _paint_eye(canvas: Canvas, person: Person, side: float) -> None:
    features, style = person.features, person.style
    size, droop = features.eye_size, 1 - 0.35 * person.aging.lids
    flip, center = np.array([side, 1.0]), np.array([side * features.eye_spacing, 0.0])
    inner, outer = (-size, 0.03), (size, -features.eye_tilt - 0.01)
    upper_P2 = (
        curve([inner, (-0.4 * size, -0.42 * size * droop), (0.25 * size, -0.5 * size * droop), outer]) * flip + center
    )
    lower_P2 = curve([outer, (0.3 * size, 0.36 * size), (-0.4 * size, 0.34 * size), inner]) * flip + center
    almond_P2 = np.concatenate([upper_P2, lower_P2])
    layer = canvas.copy()
    layer.fill(almond_P2, (240, 236, 232))
    iris_xy = (float(center[0]), -0.015)
    layer.fill(ellipse(iris_xy, 0.105, 0.105), shade(features.iris, 0.5))
    layer.fill(ellipse(iris_xy, 0.088, 0.088), features.iris)
    layer.fill(ellipse(iris_xy, 0.045, 0.045), (16, 12, 12))
    layer.glaze([Stroke(upper_P2, 0.5, 0.06)], (60, 40, 40), 0.025)
    layer.fill(ellipse((iris_xy[0] + 0.035, -0.055), 0.022, 0.022, 14), (255, 255, 255))
    canvas.paste(layer, canvas.cover(almond_P2))
    lid = mix(shadow_of(person.skin), (24, 16, 16), 0.4 + 0.6 * style.eyeliner)
    canvas.fill(taper(upper_P2, 0.032 + 0.034 * style.eyeliner, 0.4, 1.0), lid)
    crease_P2 = upper_P2 - np.array([0.0, 0.075 - 0.045 * person.aging.lids])
    canvas.glaze(
        [Stroke(crease_P2, 0.42 + 0.3 * person.aging.lids, 0.022), Stroke(lower_P2, 0.4, 0.016)],
        shadow_of(person.skin),
        0.012,
    )
    if style.eyeliner > 0.3:
        for start in (-14, -10, -6, -2):
            root = upper_P2[start]
            canvas.line(np.stack([root, root + np.array([side * 0.05, -0.055])]), lid, 0.012)


def _paint_brow(canvas: Canvas, person: Person, side: float) -> None:
    features, hair = person.features, person.hair
    x, y = features.eye_spacing, -features.brow_lift + 0.03 * person.aging.lids
    path = [
        (x - 0.26, y),
        (x - 0.08, y - 0.55 * features.brow_arch),
        (x + 0.12, y - features.brow_arch),
        (x + 0.31, y + 0.06),
    ]
    color = mix(mix(shade(hair.color, 0.85), GRAY_HAIR, 0.7 * hair.gray), person.skin, 0.15)
    stroke_P2 = taper(curve(np.array(path)) * np.array([side, 1.0]), features.brow_thickness, 0.75, 0.1)
    canvas.glaze([Stroke(stroke_P2, 0.92)], color, 0.012)
