"""Where faces lie in training photos: from files, evenly spaced, and unknown where there are too few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.faces.box_store import BoxStore
from maskwise.fitting import training_framing
from maskwise.fitting.training_framing import measure_training_framing, spaced
from maskwise.records import FaceBox, Image
from support.tables import people_table

FACE = FaceBox((10, 5, 30, 45), (), 0.9)


def found_in(photos: int) -> Callable[[Image], FaceBox | None]:
    """A detector that finds the same face in the first so many photos."""
    seen = iter(range(1000))
    return lambda _photo: FACE if next(seen) < photos else None


@pytest.mark.parametrize(("faces", "known"), [(8, True), (4, False)])
def test_faces_in_files_make_a_framing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faces: int, known: bool
) -> None:
    table = people_table(3, np.random.default_rng(0))
    for name in table.photo_N.tolist():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.zeros((50, 40, 3), np.uint8)).save(tmp_path / name)
    monkeypatch.setattr(training_framing, "find_face", found_in(faces))
    framing = measure_training_framing(tmp_path, table)
    assert (framing is not None) == known
    if framing is not None:
        assert (framing.height_px, framing.width_px, framing.spread) == (50, 40, 0)
        assert (framing.wide, framing.tall) == (0.5, 0.8)


def test_the_next_run_on_the_same_photos_looks_for_no_face(tmp_path: Path) -> None:
    table = people_table(3, np.random.default_rng(0))
    for shade, name in enumerate(table.photo_N.tolist()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.full((50, 40, 3), shade, np.uint8)).save(tmp_path / name)
    looked_at: list[Image] = []

    def find(photo: Image) -> FaceBox:
        looked_at.append(photo)
        return FACE

    framings = [measure_training_framing(tmp_path, table, BoxStore(tmp_path / "cache", find=find)) for _ in range(2)]
    assert len(looked_at) == len(table)
    assert framings[0] is not None
    assert framings[1] == framings[0]


def test_spaced_by_hand() -> None:
    assert spaced(3, 5) == [0, 1, 2]
    assert spaced(9, 3) == [0, 4, 8]
    assert spaced(4, None) == [0, 1, 2, 3]
