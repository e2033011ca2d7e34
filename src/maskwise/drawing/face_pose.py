"""How a head is held, read from five landmarks: where the face's axes point, how large it is, how far it is turned.

The face is taken for an upright cylinder whose radius shrinks towards the chin. That is enough for a mask to be
foreshortened on the far side of a turned head, and to end at the outline of the face there.

Face coordinates: x to the right of the photo, y downwards along the face, the point between the eyes is 0, 0; the
unit is the distance between the eyes of the same face seen from the front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Floats

EYES_TO_MOUTH = 1.02
"""Eye line to mouth in units: the median of 300 faces seen from the front; likewise the figures below."""
_MOUTH_TO_CHIN = 0.72
_NOSE_PROTRUSION = 0.45
"""How far a nose's tip stands out before the line from eyes to mouth."""
_FURTHEST_SINE = 0.85
_RADII = np.array(
    [(-0.6, 1.0), (0.3, 1.04), (0.7, 1.04), (1.0, 1.0), (1.3, 0.92), (1.6, 0.82), (1.9, 0.72), (2.4, 0.62)]
)
"""(y, half the width of a face there)."""


@dataclass(frozen=True)
class FacePose:
    """A face's place in a photo."""

    origin_xy_px: tuple[float, float]
    """Between the eyes."""
    unit_px: float
    roll_rad: float
    """How far the head leans, clockwise in the photo."""
    yaw_rad: float
    """How far it is turned, positive towards the right of the photo."""
    nose_y: float
    mouth_x: float
    mouth_y: float

    @property
    def chin_y(self) -> float:
        """Where the chin ends; landmarks do not show it, so it is the usual distance below the mouth."""
        return self.mouth_y + _MOUTH_TO_CHIN

    @property
    def axis_x(self) -> float:
        """Where the cylinder's axis stands: its front line passes through the middle of the mouth."""
        return self.mouth_x - float(radius_at(np.array(self.mouth_y))) * float(np.sin(self.yaw_rad))

    def to_px(self) -> Floats:
        """The 2 × 3 matrix from face coordinates to pixels."""
        cosine, sine = self.unit_px * np.cos(self.roll_rad), self.unit_px * np.sin(self.roll_rad)
        return np.array([[cosine, -sine, self.origin_xy_px[0]], [sine, cosine, self.origin_xy_px[1]]])

    def place(self, points_P2: Floats) -> Floats:
        """Face coordinates of P points as pixels."""
        matrix_23 = self.to_px()
        return np.asarray(points_P2 @ matrix_23[:, :2].T + matrix_23[:, 2])


def read_pose(landmarks_52_px: Floats) -> FacePose:
    """The pose of a face from its eyes, nose tip and mouth corners (x, y), those on the photo's left first.

    ``DataError`` where the landmarks are not five finite points, or do not stand as in a face.
    """
    points_52 = np.asarray(landmarks_52_px, dtype=np.float64)
    if points_52.shape != (5, 2) or not np.all(np.isfinite(points_52)):
        got = f"an array of shape {points_52.shape}"
        raise DataError(must("landmarks", "five finite points (eyes, nose, mouth corners)", got, "Detect them again."))
    eyes_xy, mouth_xy = points_52[:2].mean(axis=0), points_52[3:].mean(axis=0)
    across, down = points_52[1] - points_52[0], mouth_xy - eyes_xy
    length_across, length_down = float(np.hypot(*across)), float(np.hypot(*down))
    if min(length_across, length_down) < 1.0 or across[0] * down[1] - across[1] * down[0] <= 0:
        raise DataError("landmarks must stand as in a face, got eyes and mouth out of order. Detect them again.")
    x_axis = across / length_across + np.array([down[1], -down[0]]) / length_down
    x_axis = x_axis / np.hypot(*x_axis)
    y_axis = np.array([-x_axis[1], x_axis[0]])
    nose, mouth = points_52[2] - eyes_xy, mouth_xy - eyes_xy
    nose_x, nose_y, mouth_x, mouth_y = (float(v @ axis) for v in (nose, mouth) for axis in (x_axis, y_axis))
    tip_x = nose_x - mouth_x * min(max(nose_y / mouth_y, 0.2), 0.9)
    width = float(across @ x_axis)
    sine = tip_x / (_NOSE_PROTRUSION * max(width, mouth_y / EYES_TO_MOUTH))
    sine = min(max(sine, -_FURTHEST_SINE), _FURTHEST_SINE)
    unit = 0.6 * width / np.sqrt(1 - sine**2) + 0.4 * mouth_y / EYES_TO_MOUTH
    return FacePose(
        origin_xy_px=(float(eyes_xy[0]), float(eyes_xy[1])),
        unit_px=float(unit),
        roll_rad=float(np.arctan2(x_axis[1], x_axis[0])),
        yaw_rad=float(np.arcsin(sine)),
        nose_y=min(max(float(nose_y / unit), 0.4), 0.85),
        mouth_x=mouth_x / unit,
        mouth_y=mouth_y / unit,
    )


def radius_at(y: Floats) -> Floats:
    """Half the width of a face seen from the front, at height ``y`` (any shape)."""
    return np.asarray(np.interp(y, _RADII[:, 0], _RADII[:, 1]))
