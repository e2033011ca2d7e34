"""Which portraits a mask can be drawn on: one unmasked face, large enough, seen from the front."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from maskwise.drawing.face_pose import FacePose, read_pose
from maskwise.errors import DataError
from maskwise.faces.detection import face_area, largest_face
from maskwise.records import FaceBox, Floats, Image

SMALLEST_UNIT_PX = 16.0
"""Between the eyes, in pixels: a smaller face has no room for a mask's edge."""
LARGEST_YAW_DEG, LARGEST_ROLL_DEG = 40.0, 45.0
LOWEST_SCORE = 0.7
SMALLEST_OTHER = 0.25
"""A second face counts from this share of the first one's area on; smaller ones are passers-by."""

_USUAL_SCORE, _SCORE_STEP = 0.945, 0.06
_COLOR_STEP = 40.0
"""Scores and colors of 672 photos with drawn masks and 336 without: a sum of signs above 1 parts them best."""


def why_unusable(portrait_HWC: Image, faces: Sequence[FaceBox]) -> str | None:
    """Why no mask should be drawn on this portrait, in a few words; None where one can.

    ``faces`` are all faces that were found in it, in any order.
    """
    largest = largest_face(faces)
    if largest is None:
        return "no face found"
    others = sum(face_area(face) > SMALLEST_OTHER * face_area(largest) for face in faces) - 1
    if others:
        return f"{others + 1} faces"
    try:
        pose = read_pose(np.array(largest.landmarks_px))
    except DataError:
        return "face not upright"
    if pose.unit_px < SMALLEST_UNIT_PX:
        return f"face too small ({pose.unit_px:.0f} px between the eyes, {SMALLEST_UNIT_PX:.0f} needed)"
    if abs(np.degrees(pose.yaw_rad)) > LARGEST_YAW_DEG:
        return f"face turned away ({abs(np.degrees(pose.yaw_rad)):.0f} degrees)"
    if abs(np.degrees(pose.roll_rad)) > LARGEST_ROLL_DEG:
        return f"face leaning ({abs(np.degrees(pose.roll_rad)):.0f} degrees)"
    if largest.score < LOWEST_SCORE:
        return f"face hardly seen (score {largest.score:.2f})"
    if signs_of_cover(portrait_HWC, pose, largest.score) > 1:
        return "mouth or chin covered (a mask, a hand, a beard of another color)"
    return None


def signs_of_cover(portrait_HWC: Image, pose: FacePose, score: float) -> float:
    """How much speaks for a covered lower face; above 1 it is taken to be covered.

    Mouth corners, mouth and chin have another color (not only another light) than the skin below the eyes, and the
    detector, which learned from bare faces, is less sure than usual.
    """
    middle = pose.mouth_x * 0.3 / pose.mouth_y
    below_eyes_C = _mean_color(portrait_HWC, pose, ((middle - 0.42, 0.3), (middle + 0.42, 0.3)), 0.07)
    corners = ((pose.mouth_x - 0.5, pose.mouth_y - 0.12), (pose.mouth_x + 0.5, pose.mouth_y - 0.12))
    mouth, chin = ((pose.mouth_x, pose.mouth_y),), ((pose.mouth_x, pose.mouth_y + 0.42),)
    strange = sum(
        weight * float(np.hypot(*(_mean_color(portrait_HWC, pose, places, radius) - below_eyes_C)))
        for places, radius, weight in ((corners, 0.1, 1.0), (mouth, 0.08, 0.5), (chin, 0.1, 0.5))
    )
    return strange / _COLOR_STEP + max(0.0, _USUAL_SCORE - score) / _SCORE_STEP


def _mean_color(photo_HWC: Image, pose: FacePose, places: Sequence[tuple[float, float]], radius: float) -> Floats:
    """The color (a and b of CIE Lab, 8 bits) at some places in face coordinates, the median around each."""
    height, width = photo_HWC.shape[:2]
    reach = max(1, int(radius * pose.unit_px))
    colors = []
    for x, y in pose.place(np.array(places)).tolist():
        column = min(max(int(x), reach), max(width - reach - 1, reach))
        row = min(max(int(y), reach), max(height - reach - 1, reach))
        around_hwC = photo_HWC[row - reach : row + reach + 1, column - reach : column + reach + 1]
        lab_hwC = cv2.cvtColor(np.ascontiguousarray(around_hwC), cv2.COLOR_RGB2LAB)
        colors.append(np.median(lab_hwC.reshape(-1, 3)[:, 1:], axis=0))
    return np.asarray(np.mean(colors, axis=0))
