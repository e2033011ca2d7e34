from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.data.contents import content_of
from maskwise.data.manifest import read_train
from maskwise.data.pixels import decode_photo
from maskwise.faces.box_store import BoxStore
from maskwise.faces.detection import find_face
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.reports import photo_traits
from maskwise.reports.photo_traits import look_at_traits


def test_brightness_of_all_and_faces_of_some(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_traits, "MOST_NEW_FACES", 3)
    photo_N = read_train(workplace.data, Task()).table.photo_N[:14]
    photos = [decode_photo((workplace.data / name).read_bytes(), name) for name in photo_N]
    found = look_at_traits(workplace.data, photo_N, tmp_path, Silent())
    assert found.brightness_N == pytest.approx([photo.mean() / 255 for photo in photos])
    assert found.looked_at == 3
    known = np.flatnonzero(~np.isnan(found.face_height_px_N))
    assert set(known.tolist()) <= {0, 6, 13}
    for place in known:
        face = find_face(photos[place])
        assert face is not None
        assert found.face_height_px_N[place] == pytest.approx(face.box_xyxy_px[3] - face.box_xyxy_px[1])


def test_faces_that_were_found_before_come_from_the_cache_and_a_lost_photo_is_named(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_traits, "MOST_NEW_FACES", 1)
    photo_N = np.array([*read_train(workplace.data, Task()).table.photo_N[:3], "train/images/gone.jpg"], object)
    boxes = BoxStore(tmp_path)
    for name in photo_N[:3]:
        data = (workplace.data / name).read_bytes()
        boxes.face(content_of(data), decode_photo(data, name))
    assert len(boxes.known()) == 3
    boxes.save()
    monkeypatch.setattr(BoxStore, "face", lambda *_: pytest.fail("nothing is looked for again"))
    found = look_at_traits(workplace.data, photo_N, tmp_path, Silent())
    assert found.looked_at == 3
    (problem,) = found.unreadable
    assert problem.startswith("train/images/gone.jpg must be readable")
    assert np.isnan(found.brightness_N[3])
