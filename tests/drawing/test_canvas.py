"""The canvas: splines against SciPy, poses and paint against hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from maskwise.drawing.canvas import (
    HEIGHT_PX,
    WIDTH_PX,
    Canvas,
    Pose,
    Stroke,
    both_sides,
    curve,
    ellipse,
    loop,
    mix,
    shade,
    taper,
)

SQUARE_P2 = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


def blank(gray: int = 100, pose: Pose | None = None) -> Canvas:
    pixels_HWC = np.full((HEIGHT_PX, WIDTH_PX, 3), gray, np.uint8)
    return Canvas(pixels_HWC, pose or Pose(100, (192.0, 256.0)))


def test_curve_is_the_catmull_rom_spline_of_scipy() -> None:
    points_P2 = np.random.default_rng(0).normal(size=(6, 2))
    ends_P2 = np.concatenate([2 * points_P2[:1] - points_P2[1:2], points_P2, 2 * points_P2[-1:] - points_P2[-2:-1]])
    slopes_P2 = (ends_P2[2:] - ends_P2[:-2]) / 2
    reference = CubicHermiteSpline(np.arange(6), points_P2, slopes_P2)(np.linspace(0, 5, 41))
    np.testing.assert_allclose(curve(points_P2, steps=8), reference, atol=1e-12)


def test_curve_through_two_points_is_straight() -> None:
    np.testing.assert_allclose(curve([(0, 0), (1, 2)], steps=2), [(0, 0), (0.5, 1), (1, 2)])


def test_loop_passes_through_its_points_and_starts_with_the_first() -> None:
    points = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0)])
    np.testing.assert_allclose(loop(points, steps=5)[::5], points)


def test_both_sides_is_symmetric() -> None:
    outline_P2 = both_sides([(0, -1), (1, 0), (0.4, 0.8), (0, 1)], steps=4)
    turned_P2 = outline_P2 * (-1, 1)
    np.testing.assert_allclose(turned_P2[0], outline_P2[0])
    np.testing.assert_allclose(turned_P2[1:], outline_P2[:0:-1], atol=1e-12)


def test_pose_without_turn_scales_and_shifts() -> None:
    pose = Pose(80, (192.0, 240.0))
    np.testing.assert_allclose(pose.to_px(np.array([(0, 0), (1, 0), (0, 1.5)])), [(192, 240), (272, 240), (192, 360)])


def test_rolling_keeps_distances_and_the_neck() -> None:
    points_P2 = np.array([(0.0, 1.3), (1.0, 1.3), (0.0, 0.0)])
    rolled_px = Pose(100, (192.0, 256.0), roll_rad=np.pi / 2).to_px(points_P2)
    np.testing.assert_allclose(rolled_px, [(192, 386), (192, 486), (322, 386)], atol=1e-9)


def test_turning_moves_the_middle_and_leaves_the_rim() -> None:
    pose = Pose(100, (0.0, 0.0), yaw=0.1, pitch=-0.05)
    moved_P2 = pose.to_px(np.array([(0.0, 0.0), (1.0, 1.5), (-1.2, -1.8)])) / 100
    np.testing.assert_allclose(moved_P2, [(0.1, -0.05), (1.0, 1.5), (-1.2, -1.8)], atol=1e-12)


def test_fill_paints_the_area_of_the_outline() -> None:
    canvas = blank(0)
    canvas.fill(SQUARE_P2, (255, 255, 255))
    assert canvas.pixels_HWC[..., 0].sum() / 255 == pytest.approx(100 * 100, rel=0.03)
    assert tuple(canvas.pixels_HWC[256, 192]) == (255, 255, 255)


def test_lines_is_line_for_each() -> None:
    paths = [curve(np.random.default_rng(k).uniform(-1, 1, size=(4, 2))) for k in range(3)]
    colors, widths = [(10.0, 20.0, 30.0), (200.0, 0.0, 0.0), (0.0, 90.0, 255.0)], [0.01, 0.05, 0.1]
    together, single = blank(), blank()
    together.lines(paths, colors, widths)
    for path, color, width in zip(paths, colors, widths, strict=True):
        single.line(path, color, width)
    np.testing.assert_array_equal(together.pixels_HWC, single.pixels_HWC)
    assert np.any(single.pixels_HWC != 100)


@pytest.mark.parametrize("blur", [0.0, 0.04, 0.08], ids=["sharp", "half size", "quarter size"])
def test_glaze_blends_by_strength_and_stays_in_place(blur: float) -> None:
    canvas = blank(100)
    canvas.glaze([Stroke(SQUARE_P2, 0.5)], (200, 0, 100), blur)
    assert canvas.pixels_HWC[256, 192] == pytest.approx([150, 50, 100], abs=2)
    assert np.all(canvas.pixels_HWC[:, :100] == 100)
    # The red added, summed over the photo, is 0.5 · 100 on 100 × 100 pixels, and up to half a (larger) pixel at the
    # rim, which OpenCV counts in; the paint lies around its center.
    added_HW = canvas.pixels_HWC[..., 0].astype(float) - 100
    assert 0.97 < added_HW.sum() / (50 * 100 * 100) < 1.12
    assert (added_HW.sum(axis=0) @ np.arange(WIDTH_PX)) / added_HW.sum() == pytest.approx(192, abs=0.6)


def test_glaze_keeps_within_its_cover() -> None:
    canvas = blank(100)
    left_half = canvas.cover(np.array([(-2.0, -3.0), (0.0, -3.0), (0.0, 3.0), (-2.0, 3.0)]))
    canvas.glaze([Stroke(SQUARE_P2, 1.0)], (0, 0, 0), 0.05, left_half)
    assert np.all(canvas.pixels_HWC[:, 195:] == 100)
    assert np.all(canvas.pixels_HWC[256, 170] < 10)


def test_glaze_outside_the_photo_is_nothing() -> None:
    canvas = blank(100)
    canvas.glaze([Stroke(SQUARE_P2 + 50, 1.0)], (0, 0, 0), 0.05)
    canvas.glaze([Stroke(SQUARE_P2, 0.0)], (0, 0, 0), 0.05)
    assert np.all(canvas.pixels_HWC == 100)


def test_paste_takes_only_what_is_covered() -> None:
    canvas, layer = blank(100), blank(7)
    canvas.paste(layer, canvas.cover(SQUARE_P2))
    assert tuple(canvas.pixels_HWC[256, 192]) == (7, 7, 7)
    assert tuple(canvas.pixels_HWC[20, 20]) == (100, 100, 100)


def test_colors_by_hand() -> None:
    assert mix((0, 100, 200), (100, 100, 0), 0.25) == (25, 100, 150)
    assert mix((0, 0, 0), (10, 10, 10), 7) == (10, 10, 10)
    assert shade((100, 200, 10), 1.5) == (150, 255, 15)


def test_taper_is_as_wide_as_asked() -> None:
    outline_P2 = taper(np.stack([np.linspace(0, 1, 51), np.zeros(51)], axis=1), 0.2, 0.5, 0.0)
    width_P = outline_P2[:51, 1] - outline_P2[:50:-1, 1]
    assert width_P[0] == pytest.approx(0.1)
    assert width_P.max() == pytest.approx(0.2)
    assert width_P[-1] == pytest.approx(0.0)


def test_ellipse_by_its_equation() -> None:
    x_P, y_P = ellipse((1.0, 2.0), 3.0, 0.5).T
    np.testing.assert_allclose(((x_P - 1) / 3) ** 2 + ((y_P - 2) / 0.5) ** 2, 1)
