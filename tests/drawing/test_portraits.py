"""Photos of drawn people: what is the same for one person, and what a mask changes."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.drawing.canvas import HEIGHT_PX, WIDTH_PX, Canvas, Pose
from maskwise.drawing.head import paint_features, paint_head
from maskwise.drawing.portraits import PHOTO_STATES, draw_photo, landmarks_px
from maskwise.drawing.traits import Person, draw_person
from maskwise.errors import DataError
from maskwise.faces.detection import find_face
from maskwise.records import Floats, Image


def person_of(seed: int) -> Person:
    return draw_person(np.random.default_rng(seed), 20 + 4 * seed % 50, ("male", "female")[seed % 2])


def photo_of(person: Person, state: str, seed: int = 1) -> Image:
    return draw_photo(person, state, np.random.default_rng(seed))


def mouth(photo_HWC: Image) -> Floats:
    """Mean color of the window in which the mouth lies in every pose."""
    return np.asarray(photo_HWC[300:330, 180:205].mean(axis=(0, 1)))


@pytest.mark.parametrize("state", PHOTO_STATES)
def test_shape_type_and_determinism(state: str) -> None:
    photo_HWC = photo_of(person_of(1), state)
    assert photo_HWC.shape == (512, 384, 3)
    assert photo_HWC.dtype == np.uint8
    np.testing.assert_array_equal(photo_HWC, photo_of(person_of(1), state))
    assert np.any(photo_HWC != photo_of(person_of(1), state, seed=2))


def test_an_unknown_state_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"photo state must be .*got 'mask6'\. Did you mean 'mask"):
        photo_of(person_of(1), "mask6")


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_covers_the_mouth_and_leaves_the_forehead(seed: int) -> None:
    # With the same generator pose and light are the same, so only the mask can differ.
    bare_HWC, masked_HWC = photo_of(person_of(seed), "normal"), photo_of(person_of(seed), "mask1")
    np.testing.assert_array_equal(bare_HWC[:180], masked_HWC[:180])
    assert np.abs(mouth(bare_HWC) - mouth(masked_HWC)).max() > 40


@pytest.mark.parametrize("seed", range(4))
def test_the_five_masks_look_different(seed: int) -> None:
    masks = [photo_of(person_of(seed), state)[290:340, 170:215].astype(int) for state in PHOTO_STATES[:5]]
    apart = [np.abs(masks[i] - masks[j]).mean() for i in range(5) for j in range(i)]
    assert min(apart) > 8
    # The third is of dark foam.
    assert masks[2].mean() < 90


def test_a_mask_worn_wrong_shows_the_nose() -> None:
    for seed in range(8):
        person = person_of(seed)
        bare, right, wrong = (
            photo_of(person, state)[262:278, 186:200].mean(axis=(0, 1))
            for state in ("normal", "mask3", "incorrect_mask")
        )
        assert np.abs(wrong - bare).max() < 12
        assert np.abs(right - bare).max() > 25


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_are_where_the_detector_finds_them(seed: int) -> None:
    """So a mask lies on a drawn face as on a photographed one."""
    person = person_of(seed)
    pose = Pose(84, (WIDTH_PX / 2, 242.0), roll_rad=0.05, yaw=0.1)
    canvas = Canvas(np.full((HEIGHT_PX, WIDTH_PX, 3), 200, np.uint8), pose)
    face_HW = paint_head(canvas, person, 0.0)
    paint_features(canvas, person, face_HW)
    face = find_face(canvas.pixels_HWC)
    assert face is not None
    off_5 = np.linalg.norm(landmarks_px(pose, person) - np.array(face.landmarks_px), axis=1)
    assert off_5.max() < 0.3 * pose.unit_px


def test_a_person_resembles_itself() -> None:
    """Hair, forehead and clothes, as mean colors: another photo of the same person is nearly always the nearest."""
    feature_PSF = np.array(
        [[_looks(photo_of(person_of(p), s, 10 * p + k)) for k, s in enumerate(PHOTO_STATES)] for p in range(8)]
    )
    people, states = feature_PSF.shape[:2]
    flat_NF, owner_N = feature_PSF.reshape(people * states, -1), np.repeat(np.arange(people), states)
    distance_NN = np.linalg.norm(flat_NF[:, None] - flat_NF[None], axis=2)
    np.fill_diagonal(distance_NN, np.inf)
    assert np.mean(owner_N[distance_NN.argmin(axis=1)] == owner_N) > 0.9


def _looks(photo_HWC: Image) -> Floats:
    windows = (photo_HWC[130:150, 170:214], photo_HWC[175:195, 170:214], photo_HWC[470:500, 120:264])
    return np.concatenate([window.mean(axis=(0, 1)) for window in windows])


def test_light_and_backdrop_vary_between_photos() -> None:
    corners_NC = np.array([photo_of(person_of(2), "normal", seed)[:30, :30].mean(axis=(0, 1)) for seed in range(8)])
    assert np.all(corners_NC.std(axis=0) > 3)
