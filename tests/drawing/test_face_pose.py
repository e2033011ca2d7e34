"""Poses read from landmarks that were made from a known pose."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.drawing.face_pose import FacePose, radius_at, read_pose
from maskwise.errors import DataError

FRONT = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, 0.6), (-0.4, 1.02), (0.4, 1.02)])
"""Eyes, nose, mouth corners of a face from the front, in units."""


def in_photo(points_52: np.ndarray, unit_px: float = 80.0, roll_deg: float = 0.0) -> np.ndarray:
    """The points turned, enlarged and moved to (200, 150)."""
    turn = np.radians(roll_deg)
    matrix_22 = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(points_52 @ matrix_22.T * unit_px + np.array([200.0, 150.0]))


def turned(yaw_deg: float) -> np.ndarray:
    """The same face turned: everything is narrower, and the nose, which stands out by 0.45, moves to the side."""
    points_52, turn = FRONT.copy(), np.radians(yaw_deg)
    points_52[:, 0] *= np.cos(turn)
    points_52[2, 0] += 0.45 * np.sin(turn)
    return points_52


def test_a_face_from_the_front() -> None:
    pose = read_pose(in_photo(FRONT))
    assert pose.origin_xy_px == pytest.approx((200, 150))
    assert pose.unit_px == pytest.approx(80)
    assert (pose.roll_rad, pose.yaw_rad, pose.mouth_x) == pytest.approx((0, 0, 0))
    assert (pose.nose_y, pose.mouth_y, pose.chin_y) == pytest.approx((0.6, 1.02, 1.74))
    assert pose.axis_x == pytest.approx(0)


@pytest.mark.parametrize("roll_deg", [-30, -10, 25])
def test_a_leaning_head_is_turned_by_as_much(roll_deg: float) -> None:
    pose = read_pose(in_photo(FRONT, roll_deg=roll_deg))
    assert np.degrees(pose.roll_rad) == pytest.approx(roll_deg)
    assert pose.unit_px == pytest.approx(80)
    np.testing.assert_allclose(pose.place(FRONT), in_photo(FRONT, roll_deg=roll_deg))


@pytest.mark.parametrize("yaw_deg", [-35, -15, 10, 30])
def test_yaw_follows_the_nose(yaw_deg: float) -> None:
    pose = read_pose(in_photo(turned(yaw_deg)))
    assert np.degrees(pose.yaw_rad) == pytest.approx(yaw_deg, abs=1)
    assert pose.unit_px == pytest.approx(80, rel=0.02)
    assert np.sign(pose.axis_x) == -np.sign(yaw_deg)


def test_a_larger_photo_is_the_same_pose() -> None:
    small, large = (read_pose(in_photo(turned(20), unit_px)) for unit_px in (40.0, 160.0))
    assert large.unit_px == pytest.approx(4 * small.unit_px)
    assert large.yaw_rad == pytest.approx(small.yaw_rad)
    assert isinstance(small, FacePose)


def test_faces_narrow_towards_the_chin() -> None:
    assert radius_at(np.array(0.7)) == pytest.approx(1.04)
    assert np.all(np.diff(radius_at(np.linspace(0.7, 2.3, 20))) <= 0)


@pytest.mark.parametrize(
    "points_52",
    [FRONT[:4], np.full((5, 2), np.nan), FRONT[::-1], FRONT * 0.001, FRONT * np.array([1.0, -1.0])],
    ids=["four", "nan", "reversed", "tiny", "upside down"],
)
def test_what_is_no_face_is_refused(points_52: np.ndarray) -> None:
    with pytest.raises(DataError, match="landmarks must"):
        read_pose(points_52)
