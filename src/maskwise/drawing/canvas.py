"""The canvas of the drawn portraits: smooth outlines in face units, painted with soft edges.

Face units: the origin lies midway between the eyes, x points right, y down, and 1 is half the width of a face.
Edges are smooth (anti-aliased) at every step, so the photo is painted at its own size: painting it larger and averaging
down looked the same and took twice the time.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from maskwise.records import Image

WIDTH_PX, HEIGHT_PX = 384, 512
SUBPIXEL_BITS = 4
"""OpenCV draws at fractions of a pixel when coordinates carry this many fractional bits."""

Color = tuple[float, float, float]
"""Red, green, blue from 0 to 255."""
Points = NDArray[np.float64]
"""A path or an outline in face units, P × 2."""
Cover = NDArray[np.uint8]
"""How much of each pixel a shape covers, height × width, from 0 to 255."""
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Pose:
    """Where a head stands in the photo, and how it is turned. ``yaw`` and ``pitch`` are small shifts in face units."""

    unit_px: float
    center_xy_px: tuple[float, float]
    roll_rad: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    def to_px(self, points_P2: Points) -> Points:
        """Face units to photo pixels, P × 2. Turning moves the middle of the face and leaves its rim where it is."""
        if self.yaw or self.pitch:
            room_P2 = np.maximum(1 - points_P2 * points_P2 * INVERSE_SQUARE_SIZE, 0)
            points_P2 = points_P2 + room_P2 * (self.yaw, self.pitch)
        cos, sin = self.unit_px * math.cos(self.roll_rad), self.unit_px * math.sin(self.roll_rad)
        # The head tilts on the neck, not between the eyes.
        x_px, y_px = self.center_xy_px
        origin = np.array([x_px + sin * NECK_Y, y_px + (self.unit_px - cos) * NECK_Y])
        return np.asarray(points_P2 @ np.array([[cos, sin], [-sin, cos]]) + origin, dtype=np.float64)


NECK_Y = 1.3
INVERSE_SQUARE_SIZE = np.array([1.0, 1 / 1.5**2])
"""The face ends at x = ±1 and y = ±1.5; what lies beyond does not turn."""


@dataclass(frozen=True)
class Canvas:
    """The photo's pixels and the pose through which paths reach them."""

    pixels_HWC: Image
    pose: Pose

    def posed(self, pose: Pose) -> Canvas:
        """The same pixels seen through another pose."""
        return dataclasses.replace(self, pose=pose)

    def fill(self, outline_P2: Points, color: Color) -> None:
        """Paint the inside of an outline."""
        fixed = self._fixed(outline_P2)
        cv2.fillPoly(self.pixels_HWC, [fixed], color, cv2.LINE_AA, SUBPIXEL_BITS)

    def line(self, path_P2: Points, color: Color, width: float) -> None:
        """Paint a path ``width`` face units wide (at least one pixel)."""
        fixed = self._fixed(path_P2)
        cv2.polylines(self.pixels_HWC, [fixed], False, color, self._width_px(width), cv2.LINE_AA, SUBPIXEL_BITS)

    def cover(self, *outlines_P2: Points) -> Cover:
        """How much of each pixel the outlines cover, together."""
        cover_HW: Cover = np.zeros(self.pixels_HWC.shape[:2], np.uint8)
        for outline_P2 in outlines_P2:
            fixed = self._fixed(outline_P2)
            cv2.fillPoly(cover_HW, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return cover_HW

    def copy(self) -> Canvas:
        """A canvas to paint on freely; ``paste`` brings back the part inside a cover."""
        return dataclasses.replace(self, pixels_HWC=self.pixels_HWC.copy())

    def paste(self, layer: Canvas, cover_HW: Cover) -> None:
        """Take over the pixels of ``layer`` inside ``cover_HW``."""
        left, top, width, height = cv2.boundingRect(cover_HW)
        if width and height:
            window = (slice(top, top + height), slice(left, left + width))
            self._blend(window, layer.pixels_HWC[window], cover_HW[window])

    def lines(self, paths_KP2: Sequence[Points], colors: Sequence[Color], widths: Sequence[float]) -> None:
        """Paint many paths, each with its color and its width: the same as ``line`` for each, but faster."""
        for fixed, color, width in zip(_pieces(paths_KP2, self._fixed), colors, widths, strict=True):
            cv2.polylines(self.pixels_HWC, [fixed], False, color, self._width_px(width), cv2.LINE_AA, SUBPIXEL_BITS)

    def glaze(self, strokes: Sequence[Stroke], color: Color, blur: float, within_HW: Cover | None = None) -> None:
        """Blend ``color`` over blurred strokes: shadow, blush, wrinkles. ``blur``: standard deviation in face units.

        Where strokes overlap the strongest counts. Only the strokes' surroundings are touched, for speed.
        """
        strokes = sorted((stroke for stroke in strokes if stroke.strength > 0.01), key=lambda it: it.strength)
        if not strokes:
            return
        blur_px = blur * self.pose.unit_px
        # What is blurred widely needs few pixels: 1, 2 or 4 photo pixels to one of the glaze.
        step = 4 if blur_px > 5 else 2 if blur_px > 2.5 else 1
        window, alpha_hw = self._paint_alpha(strokes, 3 * blur_px, step)
        if not alpha_hw.size:
            return
        if blur_px > 0.3:
            alpha_hw = cv2.GaussianBlur(alpha_hw, (0, 0), blur_px / step)
        height, width = (step * size for size in alpha_hw.shape)
        alpha_HW = cv2.resize(alpha_hw, (width, height)) if step > 1 else alpha_hw
        if within_HW is not None:
            alpha_HW = cv2.min(alpha_HW, within_HW[window])
        paint_HWC = np.empty((height, width, 3), np.uint8)
        cv2.rectangle(paint_HWC, (0, 0), (width, height), color, cv2.FILLED)
        self._blend(window, paint_HWC, alpha_HW)

    def _paint_alpha(self, strokes: Sequence[Stroke], reach_px: float, step: int) -> tuple[Window, Cover]:
        """The strokes in gray, 1 / ``step`` as large as the window of the photo (returned first) that they reach."""
        paths = [stroke.path_P2 for stroke in strokes]
        px_P2 = self.pose.to_px(np.concatenate(paths))
        margin_px = reach_px + 2 + max(stroke.width for stroke in strokes) * self.pose.unit_px
        low, high = _surroundings(px_P2, margin_px)
        alpha_hw = np.zeros(np.maximum((high - low) // step, 0)[::-1], np.uint8)
        # Pixel centers lie at half pixels, whatever the size of a pixel.
        fixed_P2 = _fixed_point((px_P2 - low + 0.5) / step - 0.5)
        for stroke, fixed in zip(strokes, _pieces(paths, lambda _: fixed_P2), strict=True):
            gray = round(255 * min(stroke.strength, 1.0))
            if not alpha_hw.size:
                break
            if stroke.width > 0:
                width_px = max(1, round(stroke.width * self.pose.unit_px / step))
                cv2.polylines(alpha_hw, [fixed], False, gray, width_px, cv2.LINE_AA, SUBPIXEL_BITS)
            else:
                cv2.fillPoly(alpha_hw, [fixed], gray, cv2.LINE_AA, SUBPIXEL_BITS)
        return (slice(low[1], high[1]), slice(low[0], high[0])), alpha_hw

    def _blend(self, window: Window, paint_HWC: Image, alpha_HW: Cover) -> None:
        share_HW = np.multiply(alpha_HW, np.float32(1 / 255), dtype=np.float32)
        below_HWC = self.pixels_HWC[window]
        self.pixels_HWC[window] = cv2.blendLinear(paint_HWC, below_HWC, share_HW, 1 - share_HW)

    def _fixed(self, points_P2: Points) -> NDArray[np.int32]:
        return _fixed_point(self.pose.to_px(points_P2))

    def _width_px(self, width: float) -> int:
        return max(1, round(width * self.pose.unit_px))


@dataclass(frozen=True)
class Stroke:
    """One part of a glaze: a line of some width, or (width 0) a filled outline. ``strength`` runs from 0 to 1."""

    path_P2: Points
    strength: float
    width: float = 0.0


def mix(first: Color, second: Color, share: float) -> Color:
    """``first`` with ``share`` of ``second`` stirred in (clipped to 0 … 1)."""
    share = min(max(share, 0.0), 1.0)
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


def shade(color: Color, factor: float) -> Color:
    """The color made darker (factor below 1) or brighter (above 1)."""
    red, green, blue = (min(max(part * factor, 0.0), 255.0) for part in color)
    return red, green, blue


def shadow_of(skin: Color) -> Color:
    """The color of skin in deep shade: darker and redder."""
    return mix(shade(skin, 0.45), (88, 34, 20), 0.35)


def curve(points: ArrayLike, steps: int = 8) -> Points:
    """A smooth open path through the points (a Catmull–Rom spline), ``steps`` points from one to the next."""
    points_P2 = np.asarray(points, dtype=np.float64)
    return _open_weights(len(points_P2), steps) @ points_P2


def loop(points: ArrayLike, steps: int = 8) -> Points:
    """A smooth closed outline through the points (a Catmull–Rom spline)."""
    points_P2 = np.asarray(points, dtype=np.float64)
    return _closed_weights(len(points_P2), steps) @ points_P2


def ellipse(center: tuple[float, float], radius_x: float, radius_y: float, points: int = 28) -> Points:
    """An ellipse as an outline of ``points`` points."""
    angle_P = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([center[0] + radius_x * np.cos(angle_P), center[1] + radius_y * np.sin(angle_P)], axis=1)


def taper(path_P2: Points, width: float, start: float = 0.3, end: float = 0.0) -> Points:
    """The outline of a brush stroke along a path, ``width`` wide in its first third.

    ``start`` and ``end`` say how much of the width is left at the ends.
    """
    along_P = np.linspace(0, 1, len(path_P2))
    half_P = 0.5 * width * np.interp(along_P, [0, 0.12, 0.4, 1], [start, 1, 1, end])
    slope_P2 = np.gradient(path_P2, axis=0)
    slope_P2 /= np.maximum(np.linalg.norm(slope_P2, axis=1, keepdims=True), 1e-9)
    normal_P2 = np.stack([-slope_P2[:, 1], slope_P2[:, 0]], axis=1) * half_P[:, None]
    return np.concatenate([path_P2 + normal_P2, (path_P2 - normal_P2)[::-1]])


def mirrored(points_P2: Points) -> Points:
    """The other side's outline: x turned round."""
    return np.asarray(points_P2 * (-1.0, 1.0), dtype=np.float64)


def both_sides(right: ArrayLike, steps: int = 8) -> Points:
    """A smooth closed outline from points of its right half, which runs from the top middle to the bottom middle.

    The outline begins at the top middle; the first half of its points is the right side.
    """
    right_P2 = np.asarray(right, dtype=np.float64)
    return loop(np.concatenate([right_P2, mirrored(right_P2[-2:0:-1])]), steps)


@functools.cache
def _open_weights(points: int, steps: int) -> Points:
    """The matrix from ``points`` points to their open spline; each end is prolonged straight by one point."""
    ends = np.zeros((points + 2, points))
    ends[1:-1] = np.eye(points)
    ends[0, :2], ends[-1, -2:] = (2, -1), (-1, 2)
    weights = _spline_weights(points + 2, steps) @ ends
    return np.asarray(np.concatenate([weights, np.eye(points)[-1:]]), dtype=np.float64)


@functools.cache
def _closed_weights(points: int, steps: int) -> Points:
    """The matrix from ``points`` points to their closed spline."""
    around = np.eye(points)[np.arange(-1, points + 2) % points]
    return np.asarray(_spline_weights(points + 3, steps) @ around, dtype=np.float64)


def _spline_weights(points: int, steps: int) -> Points:
    """Catmull–Rom: each piece passes from its second to its third point, sloping as its neighbors say.

    E. Catmull, R. Rom: A class of local interpolating splines (1974).
    """
    t_S = np.arange(steps) / steps
    piece_S4 = 0.5 * np.stack(
        [-t_S + 2 * t_S**2 - t_S**3, 2 - 5 * t_S**2 + 3 * t_S**3, t_S + 4 * t_S**2 - 3 * t_S**3, t_S**3 - t_S**2],
        axis=1,
    )
    weights = np.zeros(((points - 3) * steps, points))
    for first in range(points - 3):
        weights[first * steps : (first + 1) * steps, first : first + 4] = piece_S4
    return weights


def _fixed_point(points_P2: Points) -> NDArray[np.int32]:
    return np.round(points_P2 * (1 << SUBPIXEL_BITS)).astype(np.int32)


def _pieces(paths_KP2: Sequence[Points], convert: Callable[[Points], NDArray[np.int32]]) -> Iterator[NDArray[np.int32]]:
    """Every path after one conversion of all together, which is faster than one for each."""
    fixed_P2, start = convert(np.concatenate(paths_KP2)), 0
    for path_P2 in paths_KP2:
        yield fixed_P2[start : start + len(path_P2)]
        start += len(path_P2)


def _surroundings(points_px: Points, margin_px: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The corners (x, y) of the window around all points, inside the photo, at multiples of 4 pixels."""
    low = np.floor((points_px.min(axis=0) - margin_px) / 4).astype(np.int64) * 4
    high = np.ceil((points_px.max(axis=0) + margin_px) / 4).astype(np.int64) * 4
    size = np.array([WIDTH_PX, HEIGHT_PX])
    return np.clip(low, 0, size), np.clip(high, 0, size)
