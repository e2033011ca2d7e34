"""A person's seven photos, and which portraits are refused."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest

from maskwise.drawing.draw_masks import draw_mask, plan_mask
from maskwise.drawing.mask_plan import CLOTH_KINDS
from maskwise.drawing.portraits import PHOTO_STATES
from maskwise.drawing.seven_photos import DrawnPhoto, plan_incorrect, seven_photos, why_unusable
from maskwise.errors import DataError
from maskwise.faces.detection import find_face, find_faces
from maskwise.records import FaceBox, Image
from maskwise.seeds import rng_for
from support.faces_drawn import bare_face, landmarks

BLANK = np.full((200, 160, 3), 128, dtype=np.uint8)


def test_seven_photos_by_their_names() -> None:
    portrait_HWC, face = bare_face()
    photos = seven_photos(portrait_HWC, face, rng_for(0, "seven"))
    assert tuple(photo.name for photo in photos) == PHOTO_STATES
    plans = [photo.plan for photo in photos]
    worn = [plan for plan in plans[:5] if plan is not None]
    assert [plan.wearing for plan in worn] == ["right"] * 5
    assert len({plan.kind for plan in worn}) == 5
    assert plans[5] is not None
    assert plans[5].wearing != "right"
    assert plans[6] is None
    assert all(photo.photo_HWC.shape == portrait_HWC.shape for photo in photos)
    assert len({photo.photo_HWC.tobytes() for photo in photos}) == 7


def test_the_same_chance_gives_the_same_photos() -> None:
    portrait_HWC, face = bare_face()
    first, second, other = (seven_photos(portrait_HWC, face, rng_for(seed, "same")) for seed in (1, 1, 2))
    assert all(np.array_equal(a.photo_HWC, b.photo_HWC) for a, b in zip(first, second, strict=True))
    assert [a.log() for a in first] == [b.log() for b in second]
    assert [a.log() for a in first] != [c.log() for c in other]


def test_the_log_holds_all_that_is_needed_to_draw_it_again() -> None:
    portrait_HWC, face = bare_face()
    for photo in seven_photos(portrait_HWC, face, rng_for(0, "log"), variation=0):
        line = json.loads(json.dumps(photo.log()))
        assert line["photo"] == photo.name
        np.testing.assert_allclose(line["landmarks_px"], landmarks(face), atol=0.01)
        if photo.plan is None:
            assert line["mask"] is None
            assert np.array_equal(photo.photo_HWC, portrait_HWC)
        else:
            assert line["mask"] == json.loads(json.dumps(dataclasses.asdict(photo.plan)))
            assert np.array_equal(photo.photo_HWC, draw_mask(portrait_HWC, landmarks(face), photo.plan))


def test_pose_and_light_vary_a_little_and_landmarks_follow() -> None:
    portrait_HWC, face = bare_face()
    for photo in seven_photos(portrait_HWC, face, rng_for(5, "vary")):
        shift_52 = np.array(photo.landmarks_px) - landmarks(face)
        assert 0 < np.abs(shift_52).max() < 40
    bare = photo
    assert isinstance(bare, DrawnPhoto)
    found = find_face(bare.photo_HWC)
    assert found is not None
    assert np.abs(landmarks(found) - np.array(bare.landmarks_px)).max() < 9


@pytest.mark.parametrize("photos", [3, 5, 7])
def test_fewer_photos_leave_out_masks_worn_right(photos: int) -> None:
    portrait_HWC, face = bare_face()
    names = [photo.name for photo in seven_photos(portrait_HWC, face, rng_for(0, "few"), photos=photos)]
    assert names == [*(f"mask{k + 1}" for k in range(photos - 2)), "incorrect_mask", "normal"]


@pytest.mark.parametrize("photos", [2, 8])
def test_other_numbers_are_refused(photos: int) -> None:
    with pytest.raises(DataError, match="photos of a portrait must be 3 to 7"):
        seven_photos(*bare_face(), rng_for(0, "no"), photos=photos)


def test_where_the_chin_lies_outside_the_photo_an_incorrect_mask_is_one_that_can_be_seen() -> None:
    portrait_HWC, face = bare_face()
    bottom, left, right = int(landmarks(face)[3:, 1].max()) + 25, 110, 280
    tight_HWC = np.ascontiguousarray(portrait_HWC[:bottom, left:right])
    points_52 = landmarks(face) - np.array([left, 0])
    ways = {plan_incorrect(tight_HWC, points_52, rng_for(k, "tight")).wearing for k in range(40)}
    assert ways == {"nose_out"}
    assert len({plan_incorrect(portrait_HWC, landmarks(face), rng_for(k, "wide")).wearing for k in range(40)}) == 4


# --- refusals ------------------------------------------------------------------------------------------------------


def test_a_bare_face_will_do_and_all_kinds_of_mask_on_it_are_noticed() -> None:
    usable = [why_unusable(portrait, find_faces(portrait)) for portrait, _ in map(bare_face, range(8))]
    assert usable.count(None) >= 7
    noticed = 0
    for kind in CLOTH_KINDS:
        portrait_HWC, face = bare_face(2)
        masked_HWC = draw_mask(portrait_HWC, landmarks(face), plan_mask(rng_for(4, "seen"), "right", kind))
        noticed += why_unusable(masked_HWC, find_faces(masked_HWC)) is not None
    assert noticed >= 5


def test_no_face_and_several_faces() -> None:
    portrait_HWC, _ = bare_face()
    assert why_unusable(BLANK, find_faces(BLANK)) == "no face found"
    two_HWC = np.concatenate([portrait_HWC, portrait_HWC], axis=1)
    assert why_unusable(two_HWC, find_faces(two_HWC)) == "2 faces"


def test_a_small_face_behind_does_not_count() -> None:
    portrait_HWC, face = bare_face()
    passer_by = FaceBox((0, 0, 30, 40), ((5, 10), (15, 10), (10, 15), (6, 22), (14, 22)), 0.9)
    assert why_unusable(portrait_HWC, [passer_by, face]) is None


def test_a_small_portrait() -> None:
    portrait_HWC, _ = bare_face()
    tiny_HWC = np.asarray(cv2.resize(portrait_HWC, (60, 80), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    assert str(why_unusable(tiny_HWC, find_faces(tiny_HWC))).startswith("face too small (1")


def with_landmarks(face: FaceBox, **moved: tuple[float, float]) -> FaceBox:
    """The same face with some landmarks elsewhere."""
    order = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    points = dict(zip(order, face.landmarks_px, strict=True)) | moved
    return dataclasses.replace(face, landmarks_px=tuple(points[name] for name in order))


def test_a_turned_head_a_leaning_one_and_one_upside_down() -> None:
    portrait_HWC, face = bare_face()
    (left_x, eye_y), (right_x, _), (_, nose_y) = face.landmarks_px[:3]
    away = with_landmarks(face, nose=(right_x + 0.1 * (right_x - left_x), nose_y))
    assert str(why_unusable(portrait_HWC, [away])).startswith("face turned away (")
    points_52 = landmarks(face) - landmarks(face)[2]
    lying = tuple((float(300 - y), float(300 + x)) for x, y in points_52)
    leaning = why_unusable(portrait_HWC, [dataclasses.replace(face, landmarks_px=lying)])
    assert str(leaning).startswith("face leaning (8")
    flipped = tuple((x, 2 * eye_y - y) for x, y in face.landmarks_px)
    assert why_unusable(portrait_HWC, [dataclasses.replace(face, landmarks_px=flipped)]) == "face not upright"


def test_a_face_hardly_seen() -> None:
    portrait_HWC, face = bare_face()
    assert why_unusable(portrait_HWC, [dataclasses.replace(face, score=0.62)]) == "face hardly seen (score 0.62)"


def test_a_covered_mouth() -> None:
    portrait_HWC, face = bare_face()
    covered_HWC: Image = portrait_HWC.copy()
    middle_x, mouth_y = landmarks(face)[3:].mean(axis=0).astype(int)
    covered_HWC[mouth_y - 35 : mouth_y + 60, middle_x - 70 : middle_x + 70] = (40, 90, 190)
    assert str(why_unusable(covered_HWC, [face])).startswith("mouth or chin covered")
