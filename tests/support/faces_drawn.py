"""Portraits drawn by code, with the faces that the detector finds in them."""

from __future__ import annotations

from functools import cache

import numpy as np

from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.faces.detection import find_face
from maskwise.records import FaceBox, Image
from maskwise.seeds import rng_for


@cache
def bare_face(number: int = 0) -> tuple[Image, FaceBox]:
    """An unmasked drawn person, 512 × 384, and the face; not to be written to."""
    person = draw_person(rng_for(number, "bare face"), 30 + number, "female" if number % 2 else "male")
    photo_HWC = draw_photo(person, "normal", rng_for(number, "bare photo"))
    photo_HWC.setflags(write=False)
    face = find_face(photo_HWC)
    assert face is not None
    return photo_HWC, face


def landmarks(face: FaceBox) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The face's five landmarks, 5 × 2."""
    return np.array(face.landmarks_px)
