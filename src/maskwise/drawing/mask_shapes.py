"""Where a mask lies on a face: which point of the cloth is seen at which point of the face, and where it ends.

Everything is computed in face coordinates (see ``face_pose``) on a small upright sheet, which is laid into the photo
afterwards: places on the cloth change smoothly, so a coarse sheet is enough for them. Angles go around the face's
cylinder: 0 in front, positive towards the photo's right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from maskwise.drawing.face_pose import FacePose, radius_at
from maskwise.drawing.mask_plan import ClothKind, MaskPlan, Wearing
from maskwise.records import Floats

Field = Floats
"""One number (float32) at each point of a sheet, H × W."""

_FINEST_SCALE_PX = 40.0
"""Points to the unit. Larger faces get the same sheet, enlarged."""
_MARGIN = 0.16
_STANDS_OUT = 0.01
"""How far cloth stands out from the face, in radii."""
_EAR_RAD = 1.5
_EAR_RADIUS = 1.05


@dataclass(frozen=True)
class Cut:
    """The outline of a mask on the unrolled face: heights in units, in the middle and at its sides."""

    edge_rad: float
    """Where its sides lie, around the cylinder."""
    top: float
    top_side: float
    bottom: float
    bottom_side: float
    top_power: float
    """How the upper edge falls to the sides: 1 is straight, more stays high for longer."""
    bottom_power: float


@dataclass(frozen=True)
class Sheet:
    """A grid of H × W points over a part of the face, ``scale_px`` points to the unit."""

    left: float
    top: float
    scale_px: float
    shape: tuple[int, int]

    def axes(self) -> tuple[Field, Field]:
        """(x of the columns, 1 × W; y of the rows, H × 1)."""
        height, width = self.shape
        x_1W = self.left + np.arange(width, dtype=np.float32)[None, :] / np.float32(self.scale_px)
        y_H1 = self.top + np.arange(height, dtype=np.float32)[:, None] / np.float32(self.scale_px)
        return x_1W.astype(np.float32), y_H1.astype(np.float32)

    def to_photo(self, pose: FacePose) -> Floats:
        """The 2 × 3 matrix from this grid's points to the photo's pixels."""
        matrix_23 = pose.to_px()
        corner = matrix_23[:, :2] @ np.array([self.left, self.top]) + matrix_23[:, 2]
        return np.concatenate([matrix_23[:, :2] / self.scale_px, corner[:, None]], axis=1)


@dataclass(frozen=True)
class Lay:
    """A mask laid on a face."""

    sheet: Sheet
    u_HW: Field
    """Across the cloth, 0 at its left edge, 1 at its right."""
    v_HW: Field
    """Down the cloth, 0 at its upper edge, 1 at its lower."""
    inside_HW: Field
    """Distance to the outline in units, negative outside."""
    facing_HW: Field
    """1 where the cloth faces the camera, 0 where it turns away."""
    on_face_HW: Field
    """1 on the face, 0 beyond its outline, where no shadow falls."""
    straps: tuple[tuple[Floats, float], ...]
    """(path in face coordinates, width in units) of each visible strap."""


def lay_mask(pose: FacePose, plan: MaskPlan) -> Lay:
    """Where the mask of ``plan`` lies on a face so posed."""
    if plan.wearing == "one_ear":
        return _hang(pose, plan)
    cut = cut_of(pose, plan)
    axis, yaw = pose.axis_x + plan.shift_x, pose.yaw_rad
    sheet = _sheet(pose, axis - 1.15, axis + 1.15, min(cut.top, 0.0) - 0.35, cut.bottom)
    x_1W, y_H1 = sheet.axes()
    y_HW = y_H1 + np.float32(plan.tilt_rad) * (x_1W - np.float32(axis))
    radius_H1 = np.float32(plan.width) * radius_at(y_H1).astype(np.float32)
    # The bridge of the nose stands out, so its line moves sideways when the head turns.
    bridge_H1 = np.float32(0.16 * np.sin(yaw)) * np.exp(-(((y_H1 - pose.nose_y) / 0.3) ** 2))
    across_HW = (x_1W - np.float32(axis) - bridge_H1) / radius_H1
    angle_HW = np.arcsin(np.clip(across_HW, -1, 1)) - np.float32(yaw)
    part_HW = angle_HW / np.float32(cut.edge_rad)
    upper_HW, lower_HW = _edges(cut, np.minimum(np.abs(part_HW), 1))
    facing_HW = np.sqrt(np.maximum(1 - across_HW * across_HW, 0))
    inside_HW = np.minimum(np.minimum(y_HW - upper_HW, lower_HW - y_HW), _sides(across_HW, cut, yaw) * radius_H1)
    return Lay(
        sheet=sheet,
        u_HW=0.5 + 0.5 * part_HW,
        v_HW=(y_HW - upper_HW) / np.maximum(lower_HW - upper_HW, 0.05),
        inside_HW=inside_HW,
        facing_HW=facing_HW,
        on_face_HW=np.minimum(3 * facing_HW, 1),
        straps=_straps(pose, plan, cut, axis),
    )


def cut_of(pose: FacePose, plan: MaskPlan) -> Cut:
    """The outline of the plan's mask for this face: by its kind where it is worn right, else pushed down."""
    nose, mouth, chin = pose.nose_y, pose.mouth_y, pose.chin_y
    cut = _cut_worn_right(plan.kind, nose, mouth, chin)
    wearing: Wearing = plan.wearing
    match wearing:
        case "right" | "one_ear":
            top, side, bottom = cut.top, cut.top_side, cut.bottom
        case "nose_out":
            top = nose + 0.62 * (mouth - nose)
            side, bottom = top + 0.04, chin + 0.2
        case "mouth_out":
            top = mouth + 0.24
            side, bottom = top - 0.03, chin + 0.26
        case "on_chin":
            top = mouth + 0.46
            side, bottom = top - 0.12, chin + 0.42
        case _:
            assert_never(wearing)
    shift = plan.shift_y if wearing == "right" else 0.5 * abs(plan.shift_y)
    bottom_side = max(cut.bottom_side, side + 0.34) if wearing != "right" else cut.bottom_side
    power = cut.top_power if wearing == "right" else 2.2
    return Cut(cut.edge_rad, top + shift, side + shift, bottom + shift, bottom_side + shift, power, cut.bottom_power)


def _cut_worn_right(kind: ClothKind, nose: float, mouth: float, chin: float) -> Cut:
    match kind:
        case "surgical":
            return Cut(1.2, 0.55 * nose, nose - 0.02, chin + 0.08, mouth + 0.16, 1.7, 2.6)
        case "kf94":
            return Cut(1.22, 0.48 * nose, nose + 0.1, chin + 0.1, mouth + 0.1, 1.15, 1.9)
        case "n95":
            return Cut(1.02, 0.46 * nose, nose + 0.14, chin + 0.04, mouth + 0.12, 1.6, 2.0)
        case "cloth" | "patterned":
            return Cut(1.24, 0.55 * nose, nose + 0.02, chin + 0.1, mouth + 0.12, 1.45, 2.2)
        case "dark":
            return Cut(1.4, 0.5 * nose, nose - 0.02, chin + 0.08, nose + 0.26, 1.25, 1.5)
    assert_never(kind)


def _edges(cut: Cut, part_HW: Field) -> tuple[Field, Field]:
    """(upper, lower) edge at each share of the way to the sides."""
    upper_HW = cut.top + (cut.top_side - cut.top) * part_HW ** np.float32(cut.top_power)
    lower_HW = cut.bottom + (cut.bottom_side - cut.bottom) * part_HW ** np.float32(cut.bottom_power)
    return upper_HW.astype(np.float32), lower_HW.astype(np.float32)


def _sides(across_HW: Field, cut: Cut, yaw: float) -> Field:
    """Distance to the nearer side edge in radii; where that lies behind the face's outline, to the outline."""
    left, right = (np.float32(np.sin(np.clip(yaw + side * cut.edge_rad, -np.pi / 2, np.pi / 2))) for side in (-1, 1))
    return np.asarray(np.minimum(across_HW - left, right - across_HW) + np.float32(_STANDS_OUT))


def _sheet(pose: FacePose, left: float, right: float, top: float, bottom: float) -> Sheet:
    scale = min(pose.unit_px, _FINEST_SCALE_PX)
    left, right, top, bottom = left - _MARGIN, right + _MARGIN, top - _MARGIN, bottom + 2 * _MARGIN
    return Sheet(left, top, scale, (max(2, round((bottom - top) * scale)), max(2, round((right - left) * scale))))


def _around(pose: FacePose, axis: float, angle: float, y: float) -> tuple[float, float]:
    """A point of the face at ``angle`` around it; behind the face's outline it is moved onto that."""
    path_P2 = _around_path(pose, axis, np.array([angle]), np.array([y]), np.array(1.0))
    return float(path_P2[0, 0]), float(path_P2[0, 1])


def _around_path(pose: FacePose, axis: float, angle_P: Floats, y_P: Floats, stretch_P: Floats) -> Floats:
    seen_P = np.clip(angle_P + pose.yaw_rad, -np.pi / 2, np.pi / 2)
    return np.stack([axis + radius_at(y_P) * stretch_P * np.sin(seen_P), y_P], axis=1)


def _straps(pose: FacePose, plan: MaskPlan, cut: Cut, axis: float) -> tuple[tuple[Floats, float], ...]:
    """From the corners to the ears, or a cup's two bands around the head."""
    upper, lower = _edges(cut, np.array([[0.96]], dtype=np.float32))
    starts = (float(upper[0, 0]) + 0.03, float(lower[0, 0]) - 0.04)
    drop = 0.0 if plan.wearing == "right" else 0.12
    ends = (0.0, 0.72) if plan.kind == "n95" else (0.16 + drop, 0.46 + drop)
    width = {"n95": 0.04, "dark": 0.05}.get(plan.kind, 0.024)
    share_P, first = np.linspace(0, 1, 7), 0.97 * cut.edge_rad
    angle_P = first + share_P * (_EAR_RAD - first)
    stretch_P = 1 + (_EAR_RADIUS - 1) * share_P
    return tuple(
        (_around_path(pose, axis, side * angle_P, start + (end - start) * share_P**1.15, stretch_P), width)
        for side in (-1.0, 1.0)
        for start, end in zip(starts, ends, strict=True)
    )


def _hang(pose: FacePose, plan: MaskPlan) -> Lay:
    """Hanging from one ear beside the face: its one side up at the ear, the other down, seen half from its edge."""
    ear_x, ear_y = _around(pose, pose.axis_x, plan.side * 1.42, 0.3)
    length, breadth = 1.35, 0.6
    top = ear_y + 0.32
    middle = ear_x + plan.side * 0.02 + plan.shift_x
    sheet = _sheet(pose, middle - 0.6, middle + 0.6, ear_y - 0.1, top + length + 0.45)
    x_1W, y_H1 = sheet.axes()
    swing = plan.tilt_rad * 2 + 0.06 * plan.side
    along_HW = (y_H1 - top + swing * (x_1W - middle)) / np.float32(length)
    belly_HW = 1 - 0.3 * np.abs(2 * np.clip(along_HW, 0, 1) - 1) ** 2.5
    across_HW = (x_1W - middle - swing * (y_H1 - top)) * plan.side / (0.5 * breadth * belly_HW)
    ends_HW = np.minimum(along_HW, 1 - along_HW) * length
    inside_HW = np.minimum((1 - np.abs(across_HW)) * 0.5 * breadth, ends_HW)
    beside_HW = radius_at(y_H1) - np.abs(x_1W - pose.axis_x)
    loop = _loops(middle, swing, ear_x, ear_y, top, length, breadth)
    return Lay(
        sheet=sheet,
        u_HW=along_HW.astype(np.float32),
        v_HW=(0.5 + 0.5 * across_HW).astype(np.float32),
        inside_HW=inside_HW.astype(np.float32),
        facing_HW=np.sqrt(np.maximum(1 - (0.75 * across_HW) ** 2, 0)).astype(np.float32),
        on_face_HW=np.minimum(8 * np.maximum(beside_HW, 0), 1).astype(np.float32),
        straps=tuple((path_P2, 0.03) for path_P2 in loop),
    )


def _loops(
    middle: float, swing: float, ear_x: float, ear_y: float, top: float, length: float, breadth: float
) -> list[Floats]:
    """The loop that holds at the ear, and the loose one at the lower end."""
    half, low = 0.36 * breadth, top + 0.97 * length
    held = np.array([(middle - half, top + 0.06), (ear_x, ear_y), (middle + half, top + 0.06)])
    end = middle + swing * length
    angles = np.linspace(0, np.pi, 12)
    loose = np.stack([end + half * np.cos(angles), low + 0.36 * np.sin(angles)], axis=1)
    return [held, loose]
