"""Photos whose faces lie elsewhere than in training are cut like those of training, and counted."""

from __future__ import annotations

import threading
from enum import StrEnum

from maskwise.faces.detection import find_faces
from maskwise.faces.framing import Framed, Framing, framed_like_training
from maskwise.records import Image


class RunFaces(StrEnum):
    """What of a photo a run predicts."""

    AUTO = "auto"
    WHOLE = "whole"


class LikeTraining:
    """Cuts photos like those of training where they are not so already. Safe to use from several threads."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing
        self.cropped = self.several = 0
        self._lock = threading.Lock()

    def __call__(self, photo: Image) -> Framed:
        """The photo as it is, or cut around its largest face."""
        framed = framed_like_training(photo, find_faces(photo), self.framing)
        with self._lock:
            self.cropped += framed.face is not None
            self.several += framed.faces > 1
        return framed

    def notes(self, n_photos: int) -> list[str]:
        """What was done to how many of ``n_photos``."""
        notes = []
        if self.cropped:
            notes.append(
                f"{self.cropped:,} of {n_photos:,} photos were cropped to the framing of training, as their faces lie "
                "elsewhere; --faces whole leaves them as they are"
            )
        if self.several:
            notes.append(f"{self.several:,} of {n_photos:,} photos show several faces: the largest is predicted")
        return notes
