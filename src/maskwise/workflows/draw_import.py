"""A bare face's seven photos, as files."""

from __future__ import annotations

import json

import cv2
import numpy as np

from maskwise.drawing.seven_photos import MOST_PHOTOS, seven_photos, why_unusable
from maskwise.errors import DataError, must
from maskwise.faces.detection import find_faces, largest_face
from maskwise.records import Image

MASKED_JPEG_QUALITY = 95
LONGEST_SIDE_PX = 1024
"""Larger portraits are shrunk to this before masks are drawn: no model reads more, and seven photos take their room."""
DRAWN_LOG = ".masks.jsonl"
"""What was drawn on a person's photos, one line per photo; beside them, hidden from readers by its dot."""


class UnusablePortraitError(DataError):
    """No mask can be drawn on this portrait, for ``reason``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        remedy = "Leave it out, or import it with --no-masks."
        super().__init__(must("the photo", "of one face that a mask can be drawn on", reason, remedy))


def draw_files(portrait_HWC: Image, rng: np.random.Generator, photos: int = MOST_PHOTOS) -> dict[str, bytes]:
    """JPEG files of the bare face and the face with masks drawn on, by name, and a log of what was drawn.

    The bare face is written anew like the others: else a model could recognize masks by the traces of the encoder.
    ``UnusablePortraitError`` with the reason when no mask can be drawn on this portrait.
    """
    portrait_HWC = _shrink(portrait_HWC)
    faces = find_faces(portrait_HWC)
    fault, face = why_unusable(portrait_HWC, faces), largest_face(faces)
    if fault is not None or face is None:
        raise UnusablePortraitError(fault or "no face found")
    drawn = seven_photos(portrait_HWC, face, rng, photos=photos)
    files = {f"{photo.name}.jpg": _jpeg(photo.photo_HWC) for photo in drawn}
    log = "".join(json.dumps(photo.log()) + "\n" for photo in drawn)
    return files | {DRAWN_LOG: log.encode()}


def _shrink(portrait_HWC: Image) -> Image:
    height, width = portrait_HWC.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return portrait_HWC
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(portrait_HWC, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg(photo_HWC: Image) -> bytes:
    done, data = cv2.imencode(".jpg", photo_HWC[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, MASKED_JPEG_QUALITY])
    if not done:
        raise DataError("the photo must be a picture that can be written as JPEG, got one that cannot. Leave it out.")
    return bytes(data)
