"""Drawing a mask on a photo of a face.

>>> plan = plan_mask(np.random.default_rng(1), "right")
>>> masked_HWC = draw_mask(photo_HWC, np.array(face.landmarks_px), plan)

The mask is put together on a small upright sheet around the face and then laid into the photo: nothing outside the
sheet's place changes. What it takes from the photo stands in ``mask_light``.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from maskwise.drawing.face_pose import FacePose, read_pose
from maskwise.drawing.mask_light import PhotoLight, read_light, shade_on, soften
from maskwise.drawing.mask_plan import MaskPlan, plan_mask
from maskwise.drawing.mask_shapes import Field, Lay, lay_mask
from maskwise.drawing.mask_textures import HEIGHT, WIDTH, draw_cloth, grain, lit_color, plain, times
from maskwise.records import Floats, Image
from maskwise.seeds import rng_for

__all__ = ["DRAWING_VERSION", "draw_mask", "plan_mask", "share_in_photo"]

DRAWING_VERSION = 1
"""Raised whenever the same plan begins to give other pixels: part of the cache's settings."""

_SHADOW_RGB, _SHADOW_DEPTH = (24, 10, 6), np.float32(0.42)
"""The color of the mask's shadow on skin, and how much of it is seen where it is deepest."""
_SEEN_BLUR_PX = 0.6
"""Softer than this, a photo's edges are softened on the mask, too; below it, interpolation does as much."""
_SHADOW_REACH = 0.07
"""In units: how far the mask's own shadow lies below it, and how soft it is."""


def draw_mask(photo_HWC: Image, landmarks_52_px: Floats, plan: MaskPlan) -> Image:
    """A copy of the RGB photo with the plan's mask on the face; the same arguments give the same bytes.

    ``landmarks_52_px`` are eyes, nose tip and mouth corners (x, y), those on the photo's left first. ``DataError``
    where they do not stand as in a face.
    """
    pose = read_pose(landmarks_52_px)
    light = read_light(photo_HWC, pose)
    lay = lay_mask(pose, plan)
    return _lay_into(photo_HWC, pose, plan, light, lay)


def share_in_photo(photo_HWC: Image, landmarks_52_px: Floats, plan: MaskPlan) -> float:
    """Which share of the plan's mask would lie inside the photo, 0 to 1. ``DataError`` as of ``draw_mask``."""
    pose = read_pose(landmarks_52_px)
    lay = lay_mask(pose, plan)
    matrix_23 = lay.sheet.to_photo(pose)
    rows, columns = np.nonzero(lay.inside_HW[::4, ::4] > 0)
    if not len(rows):
        return 0.0
    points_P2 = np.stack([columns, rows], axis=1) * 4 @ matrix_23[:, :2].T + matrix_23[:, 2]
    height, width = photo_HWC.shape[:2]
    return float(np.mean(np.all((points_P2 >= 0) & (points_P2 < [width, height]), axis=1)))


def _lay_into(photo_HWC: Image, pose: FacePose, plan: MaskPlan, light: PhotoLight, lay: Lay) -> Image:
    """Shadow, then straps, then cloth over the part of the photo where the sheet lies."""
    drawn_HWC = photo_HWC.copy()
    left, top, right, bottom = _place(photo_HWC, pose, lay)
    if right - left < 2 or bottom - top < 2:
        return drawn_HWC
    from_sheet_23 = lay.sheet.to_photo(pose) - np.array([[0, 0, left], [0, 0, top]])
    size = (right - left, bottom - top)
    layers_HW4 = cv2.merge([lay.u_HW, lay.v_HW, lay.inside_HW, _shade(light, lay)])
    layers_hw4 = cv2.warpAffine(
        layers_HW4,
        from_sheet_23,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, -1, 1),
    )
    u_hw, v_hw, inside_hw, shade_hw = cv2.split(layers_hw4)
    edge = np.float32(pose.unit_px / max(1.0, 2 * light.blur_px))
    mask_hw = cv2.min(cv2.max(inside_hw * edge + np.float32(0.5), 0), 1)
    strap_hw = _strap_cover(lay, pose, light, (left, top), size)
    shadow_hw = cv2.warpAffine(_SHADOW_DEPTH * _shadow(lay, edge), from_sheet_23, size, flags=cv2.INTER_LINEAR)
    region_hwC = drawn_HWC[top:bottom, left:right]
    layers = (
        (plain(mask_hw.shape, _SHADOW_RGB), shadow_hw),
        (plain(mask_hw.shape, _strap_color(plan, light)), strap_hw),
        (_cloth(plan, light, u_hw, v_hw, shade_hw), mask_hw),
    )
    for over_hwC, cover_hw in layers:
        region_hwC = cv2.blendLinear(np.ascontiguousarray(region_hwC), over_hwC, 1 - cover_hw, cover_hw)
    drawn_HWC[top:bottom, left:right] = region_hwC
    return drawn_HWC


def _place(photo_HWC: Image, pose: FacePose, lay: Lay) -> tuple[int, int, int, int]:
    """The part of the photo that the sheet covers: left, top, right, bottom in pixels."""
    matrix_23 = lay.sheet.to_photo(pose)
    height, width = lay.sheet.shape
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ matrix_23[:, :2].T + matrix_23[:, 2]
    tall, wide = photo_HWC.shape[:2]
    (low_x, low_y), (high_x, high_y) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    left, top = min(max(math.floor(low_x), 0), wide), min(max(math.floor(low_y), 0), tall)
    return left, top, min(max(math.ceil(high_x), 0), wide), min(max(math.ceil(high_y), 0), tall)


def _shade(light: PhotoLight, lay: Lay) -> Field:
    """How bright the cloth is at each point of the sheet: the skin's own shade, darker where it turns away."""
    return shade_on(lay.sheet, light) * (np.float32(0.66) + np.float32(0.34) * np.sqrt(lay.facing_HW))


def _cloth(plan: MaskPlan, light: PhotoLight, u_hw: Field, v_hw: Field, shade_hw: Field) -> Image:
    """The lit cloth, as soft and as noisy as the photo; beyond its edges it goes on, for soft edges of its color."""
    rng = rng_for(plan.grain_seed, "cloth")
    piece_HWC = draw_cloth(plan, light.light_x, light.gain_C, rng)
    column_hw, row_hw = u_hw * np.float32(WIDTH - 1), v_hw * np.float32(HEIGHT - 1)
    cloth_hwC = cv2.remap(piece_HWC, column_hw, row_hw, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if light.blur_px > _SEEN_BLUR_PX:
        cloth_hwC = soften(cloth_hwC, light.blur_px)
    # Noise grows with the light, as a sensor's does; half of white is where it was measured, about.
    noisy_hw = shade_hw + np.float32(light.noise / 128) * grain(shade_hw.shape[0], shade_hw.shape[1], rng)
    return times(cloth_hwC, noisy_hw)


def _strap_color(plan: MaskPlan, light: PhotoLight) -> tuple[float, ...]:
    return lit_color(plan.accent_rgb if plan.print == "none" else (236, 236, 234), 0.94 * light.gain_C)


def _strap_cover(
    lay: Lay, pose: FacePose, light: PhotoLight, corner_xy_px: tuple[int, int], size: tuple[int, int]
) -> Field:
    """How much the straps cover of each point of the region of ``size`` (width, height) at ``corner_xy_px``, 0 to 1."""
    cover_hw = np.zeros(size[::-1], dtype=np.uint8)
    for path_P2, width in lay.straps:
        points = np.round((pose.place(path_P2) - np.array(corner_xy_px)) * 16).astype(np.int32)[:, None]
        cv2.polylines(cover_hw, [points], False, 255, max(1, round(width * pose.unit_px)), cv2.LINE_AA, 4)
    if light.blur_px > _SEEN_BLUR_PX:
        cover_hw = soften(cover_hw, light.blur_px)
    return np.asarray(cover_hw * np.float32(1 / 255), dtype=np.float32)


def _shadow(lay: Lay, edge: np.float32) -> Field:
    """The cloth's shadow on the face at each point of the sheet, 0 to 1: moved down a little, and blurred."""
    reach = _SHADOW_REACH * lay.sheet.scale_px
    cover_HW = cv2.min(cv2.max(lay.inside_HW * edge + np.float32(0.5), 0), 1)
    down = np.array([[1.0, 0, 0], [0, 1, 0.5 * reach]])
    moved_HW = cv2.warpAffine(cover_HW, down, cover_HW.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved_HW, (0, 0), max(0.5, 0.5 * reach)) * lay.on_face_HW, dtype=np.float32)
