"""Where the face stands in a training photo, and the cut of any photo around a face that looks the same.

A model that was trained on whole photos of one face each knows faces of one size at one place. A photo with several
faces, or with a small one, is therefore cut around each face so that the face stands where it stood in training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from pydantic import Field

from maskwise.faces.detection import largest_face
from maskwise.records import FaceBox, Image
from maskwise.settings import Settings

_INSIDE = 0.95
_FAR, _NEAR = 2.5, 0.15
"""A face lies elsewhere that is so many spreads away, and further than this.

Of 1,104 tight crops of faces with masks 3 lie 1.5 spreads away (masks make the detector's box less exact), 1 lies two
and none 2.5; of 140 whole portraits all lie more than 3.6 away.
"""
FEWEST_FACES = 5
"""A framing of fewer photos would be that of these photos."""


class Framing(Settings):
    """Medians over training photos. Shares are of the photo's width (x, wide) and height (y, tall)."""

    height_px: int = Field(ge=1)
    """Of the photo."""
    width_px: int = Field(ge=1)
    center_x: float = Field(ge=-10, le=10)
    """The middle of the face box."""
    center_y: float = Field(ge=-10, le=10)
    wide: float = Field(gt=0.001, le=100)
    """The face box."""
    tall: float = Field(gt=0.001, le=100)
    n_photos: int = Field(ge=1)
    """How many photos with a face were looked at."""
    spread: float | None = Field(default=None, ge=0)
    """So far from these medians (``distance``) lie the faces of 19 in 20 training photos; None: nobody measured."""


class Framed(NamedTuple):
    """A photo, as it is or cut like those of training."""

    photo: Image
    face: FaceBox | None
    """The face that it was cut around, in the photo as it was, as that lay elsewhere than in training; else None."""
    faces: int
    """How many were found; the largest is the one that counts."""


def measure_framing(faces: Sequence[FaceBox], sizes_px: Sequence[tuple[int, int]]) -> Framing | None:
    """The median framing of ``faces`` in photos of (height, width) ``sizes_px``; None for too few faces."""
    if len(faces) < FEWEST_FACES:
        return None
    boxes_N4 = np.array([face.box_xyxy_px for face in faces])
    size_N2 = np.array(sizes_px, dtype=float)
    left, top, right, bottom = (boxes_N4 / size_N2[:, [1, 0, 1, 0]]).T
    height_px, width_px = np.median(size_N2, axis=0)
    framing = Framing(
        height_px=round(height_px),
        width_px=round(width_px),
        center_x=float(np.median((left + right) / 2)),
        center_y=float(np.median((top + bottom) / 2)),
        wide=float(np.median(right - left)),
        tall=float(np.median(bottom - top)),
        n_photos=len(faces),
    )
    far_N = [distance(face, size_px, framing) for face, size_px in zip(faces, sizes_px, strict=True)]
    return framing.model_copy(update={"spread": float(np.quantile(far_N, _INSIDE))})


def distance(face: FaceBox, size_px: tuple[int, int], framing: Framing) -> float:
    """How far from training's ``face`` lies in a photo of (height, width) ``size_px``; 0 for the same framing.

    The largest of: how far its middle is off (in training's face sides), how many times larger or smaller it is (log),
    and how many times wider or narrower the photo is (log).
    """
    left, top, right, bottom = face.box_xyxy_px
    height_px, width_px = size_px
    off_x = ((left + right) / 2 / width_px - framing.center_x) / framing.wide
    off_y = ((top + bottom) / 2 / height_px - framing.center_y) / framing.tall
    share = max((right - left) * (bottom - top), 1) / (height_px * width_px)
    larger = math.log(share / (framing.wide * framing.tall)) / 2
    wider = math.log(width_px / height_px * framing.height_px / framing.width_px)
    return max(abs(off_x), abs(off_y), abs(larger), abs(wider))


def framed_like_training(photo_HWC: Image, faces: Sequence[FaceBox], framing: Framing) -> Framed:
    """The photo as it is where its largest face lies as in training (or it has none), else cut around that face."""
    face = largest_face(faces)
    if face is None or framing.spread is None:
        return Framed(photo_HWC, None, len(faces))
    height, width = photo_HWC.shape[:2]
    if distance(face, (height, width), framing) <= max(_FAR * framing.spread, _NEAR):
        return Framed(photo_HWC, None, len(faces))
    return Framed(frame_face(photo_HWC, face, framing)[0], face, len(faces))


def frame_face(photo_HWC: Image, face: FaceBox, framing: Framing) -> tuple[Image, FaceBox]:
    """(a photo of the framing's size with ``face`` where training had it, the face in it).

    The size follows the face box's area, so that a box that is only less tall (a turned or half-covered face) does not
    squeeze the photo. What lies outside of ``photo_HWC`` repeats its edge. Needs no more memory than the two photos.
    """
    scale = _scale(face, framing)
    if scale > 1:  # made smaller before it is cut: a window around a large face may be far larger than the photo
        photo_HWC, face = _resized(photo_HWC, face, 1 / scale, 1 / scale)
        scale = _scale(face, framing)
    wide, tall = (max(1, round(side_px * min(scale, 1))) for side_px in (framing.width_px, framing.height_px))
    left, top, right, bottom = face.box_xyxy_px
    x0 = round((left + right) / 2 - framing.center_x * wide)
    y0 = round((top + bottom) / 2 - framing.center_y * tall)
    height, width = photo_HWC.shape[:2]
    cut = _cut(photo_HWC, min(max(x0, 1 - wide), width - 1), min(max(y0, 1 - tall), height - 1), wide, tall)
    return _resized(cut, _moved(face, -x0, -y0), framing.width_px / wide, framing.height_px / tall)


def _scale(face: FaceBox, framing: Framing) -> float:
    """How many times larger than in training the face is."""
    left, top, right, bottom = face.box_xyxy_px
    trained_px2 = framing.wide * framing.width_px * framing.tall * framing.height_px
    # A box of less than a pixel would ask for a window of nothing.
    return math.sqrt(max((right - left) * (bottom - top), 1) / trained_px2)


def _cut(photo_HWC: Image, x0: int, y0: int, wide: int, tall: int) -> Image:
    """The window at (x0, y0), its outside filled with the nearest edge."""
    height, width = photo_HWC.shape[:2]
    inside = photo_HWC[max(y0, 0) : min(y0 + tall, height), max(x0, 0) : min(x0 + wide, width)]
    above, beside = max(-y0, 0), max(-x0, 0)
    below, beyond = tall - above - inside.shape[0], wide - beside - inside.shape[1]
    if not any((above, beside, below, beyond)):
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, above, below, beside, beyond, cv2.BORDER_REPLICATE), dtype=np.uint8)


def _resized(photo_HWC: Image, face: FaceBox, zoom_x: float, zoom_y: float) -> tuple[Image, FaceBox]:
    height, width = photo_HWC.shape[:2]
    size = max(1, round(width * zoom_x)), max(1, round(height * zoom_y))
    if size == (width, height):
        return photo_HWC, face
    how = cv2.INTER_AREA if zoom_x < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(photo_HWC, size, interpolation=how), dtype=np.uint8)
    return resized, _moved(face, 0, 0, size[0] / width, size[1] / height)


def _moved(face: FaceBox, by_x: float, by_y: float, zoom_x: float = 1, zoom_y: float = 1) -> FaceBox:
    """The face in a photo that was moved, then zoomed."""
    left, top, right, bottom = face.box_xyxy_px
    return FaceBox(
        ((left + by_x) * zoom_x, (top + by_y) * zoom_y, (right + by_x) * zoom_x, (bottom + by_y) * zoom_y),
        tuple(((x + by_x) * zoom_x, (y + by_y) * zoom_y) for x, y in face.landmarks_px),
        face.score,
    )
