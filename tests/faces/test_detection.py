"""Face detection on drawn people, the box store, and the crop around a face."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.errors import DataError
from maskwise.faces.box_store import BoxStore
from maskwise.faces.build import build_crop, needs_faces
from maskwise.faces.config import CenterCrop, FaceCrop
from maskwise.faces.detection import find_face, find_faces
from maskwise.records import FaceBox, Image
from maskwise.seeds import rng_for
from maskwise.seen_files import SeenFiles, no_note

BLANK = np.full((512, 384, 3), 128, dtype=np.uint8)
FACE = FaceBox((100, 150, 200, 290), ((120, 200), (180, 200), (150, 230), (130, 260), (170, 260)), 0.9)


def portrait() -> Image:
    person = draw_person(rng_for(0, "test"), 35, "female")
    return draw_photo(person, "normal", rng_for(0, "photo"))


def test_a_drawn_face_is_found_where_it_is_at_any_size() -> None:
    photo = portrait()
    face = find_face(photo)
    assert face is not None
    left, top, right, bottom = face.box_xyxy_px
    assert 60 < left < 192 < right < 324
    assert 60 < top < bottom < 450
    eyes_y, mouth_y = face.landmarks_px[0][1], face.landmarks_px[3][1]
    assert top < eyes_y < mouth_y < bottom
    half = find_face(np.ascontiguousarray(photo[::2, ::2]))
    assert half is not None
    assert np.allclose(np.array(half.box_xyxy_px) * 2, face.box_xyxy_px, atol=16)


@pytest.mark.parametrize("size", [(1, 60_000), (1, 320), (320, 1), (1, 1), (2, 640)])
def test_thin_photos_have_no_boxes_that_are_no_numbers(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 120, dtype=np.uint8)
    assert all(np.isfinite(face.box_xyxy_px).all() for face in find_faces(photo))
    assert crop_is_defined(photo)


def crop_is_defined(photo: Image) -> bool:
    return 0 not in build_crop(FaceCrop())(photo, find_face(photo)).shape


def test_finding_no_face_is_legal() -> None:
    assert find_face(BLANK) is None
    assert find_faces(BLANK) == []


def test_two_faces_are_two_and_the_larger_one_is_taken() -> None:
    photo = portrait()
    small = np.ascontiguousarray(photo[::2, ::2])
    both = np.concatenate([photo, np.pad(small, ((128, 128), (0, 0), (0, 0)), mode="edge")], axis=1)
    assert len(find_faces(both)) == 2
    face = find_face(both)
    assert face is not None
    assert face.box_xyxy_px[2] < 384


def test_threads_agree() -> None:
    photo, found = portrait(), []
    threads = [threading.Thread(target=lambda: found.append(find_face(photo))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [find_face(photo)] * 4


def test_a_photo_is_looked_at_once_and_faceless_ones_are_counted(tmp_path: Path) -> None:
    looked: list[int] = []

    def find(photo_HWC: Image) -> FaceBox | None:
        looked.append(photo_HWC.shape[0])
        return FACE if photo_HWC.shape[0] == 512 else None

    store = BoxStore(tmp_path, no_note, find, "detector/1")
    for _ in range(3):
        assert store.face("aa", BLANK) == FACE
        assert store.face("bb", BLANK[:100]) is None
    assert looked == [512, 100]
    store.save()
    again = BoxStore(tmp_path, no_note, find, "detector/1")
    assert again.face("aa", BLANK) == FACE
    assert looked == [512, 100]
    assert again.count_faceless(["aa", "bb", "bb", "cc"]) == 2
    other = BoxStore(tmp_path, no_note, find, "detector/2")
    assert other.face("aa", BLANK) == FACE
    assert looked == [512, 100, 512]


def test_a_box_that_is_damaged_or_of_an_earlier_version_is_found_again(tmp_path: Path) -> None:
    store = BoxStore(tmp_path, no_note, lambda _: FACE, "detector/1")
    store.face("aa", BLANK)
    store.save()
    seen = SeenFiles(tmp_path, "faces by detector/1")
    (kept,) = seen.all().values()
    for place in range(8 * len(kept)):
        damaged = bytearray(kept)
        damaged[place // 8] ^= 1 << place % 8
        seen.put({"aa": bytes(damaged)})
        assert BoxStore(tmp_path, no_note, lambda _: None, "detector/1").known() == {}
    seen.put({"aa": kept[8:], "bb": b"null"})
    assert BoxStore(tmp_path, no_note, lambda _: None, "detector/1").known() == {}


def test_the_window_by_hand() -> None:
    crop = build_crop(FaceCrop(margin_top=0.5, margin_bottom=0.5, margin_sides=0.5, width_over_height=1.0))
    # The box is 100 × 140; with margins 200 × 280, made square: 280 × 280 around (150, 220) → columns 10 … 290.
    window = crop(np.arange(512 * 384 * 3, dtype=np.int64).reshape(512, 384, 3).astype(np.uint8), FACE)
    whole = np.arange(512 * 384 * 3, dtype=np.int64).reshape(512, 384, 3).astype(np.uint8)
    assert np.array_equal(window, whole[80:360, 10:290])


def test_a_window_that_sticks_out_is_moved_in_and_one_too_large_is_cut() -> None:
    crop = build_crop(FaceCrop(margin_top=0, margin_bottom=0, margin_sides=0, width_over_height=0.75))
    corner = FaceBox((-30, -20, 120, 180), (), 0.9)
    assert crop(BLANK, corner).shape == (200, 150, 3)
    huge = FaceBox((-100, -100, 600, 700), (), 0.9)
    assert crop(BLANK, huge).shape == BLANK.shape


@pytest.mark.parametrize(("without_face", "shape"), [("whole_photo", (512, 384, 3)), ("middle", (256, 192, 3))])
def test_without_a_face_the_choice_decides(without_face: str, shape: tuple[int, int, int]) -> None:
    assert build_crop(FaceCrop(without_face=without_face))(BLANK, None).shape == shape  # type: ignore[arg-type]


def test_without_a_face_refuse_refuses() -> None:
    with pytest.raises(DataError, match="must show a face"):
        build_crop(FaceCrop(without_face="refuse"))(BLANK, None)


def test_only_the_face_crop_needs_faces() -> None:
    assert needs_faces(FaceCrop())
    assert not needs_faces(CenterCrop())
