"""Photos whose faces lie elsewhere than in training: cut, counted and reported."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.faces.framing import Framing
from maskwise.records import FaceBox, Image
from maskwise.workflows import frame_photos
from maskwise.workflows.frame_photos import LikeTraining

FRAMING = Framing(height_px=200, width_px=100, center_x=0.5, center_y=0.4, wide=0.4, tall=0.25, n_photos=9, spread=0.2)


def box(left: float, top: float, right: float, bottom: float) -> FaceBox:
    return FaceBox((left, top, right, bottom), (), 0.9)


def test_photos_are_cut_where_needed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[tuple[int, ...], list[FaceBox]] = {
        (200, 100, 3): [box(30, 55, 70, 105)],
        (400, 300, 3): [box(130, 100, 170, 150), box(0, 0, 8, 10)],
        (90, 90, 3): [],
    }

    def find_faces(photo: Image) -> list[FaceBox]:
        return found[photo.shape]

    monkeypatch.setattr(frame_photos, "find_faces", find_faces)
    like_training = LikeTraining(FRAMING)
    shapes = [like_training(np.zeros(shape, np.uint8)).photo.shape for shape in found]
    assert shapes == [(200, 100, 3), (200, 100, 3), (90, 90, 3)]
    cropped, several = like_training.notes(3)
    assert cropped.startswith("1 of 3 photos were cropped")
    assert "--faces whole" in cropped
    assert several.startswith("1 of 3 photos show several faces: ")


def test_nothing_is_said_where_nothing_was_done() -> None:
    assert LikeTraining(FRAMING).notes(5) == []
