"""Photos cut around a face so that it stands where training had it."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.faces.framing import Framing, distance, frame_face, framed_like_training, measure_framing
from maskwise.records import FaceBox, Image

FRAMING = Framing(height_px=200, width_px=100, center_x=0.5, center_y=0.4, wide=0.4, tall=0.25, n_photos=9)
"""A face of 40 × 50 pixels, its middle at (50, 80), in a photo of 100 × 200."""


def face(left: float, top: float, right: float, bottom: float) -> FaceBox:
    return FaceBox((left, top, right, bottom), ((left, top), (right, bottom)), 0.9)


def ramp(height_px: int, width_px: int) -> Image:
    """Red grows to the right, green downwards."""
    y_HW, x_HW = np.mgrid[:height_px, :width_px]
    return np.stack([x_HW % 256, y_HW % 256, np.zeros_like(x_HW)], axis=2).astype(np.uint8)


def test_medians_by_hand() -> None:
    boxes = [face(30, 55, 70, 105)] * 3 + [face(0, 0, 10, 10), face(60, 110, 140, 210)]
    sizes = [(200, 100)] * 4 + [(400, 200)]
    found = measure_framing(boxes, sizes)
    assert found is not None
    assert found.model_dump(exclude={"spread"}) == pytest.approx(
        {**FRAMING.model_dump(exclude={"spread"}), "n_photos": 5}
    )
    # One lies elsewhere: its middle is 75 pixels too high, which is 1.5 faces.
    assert found.spread == pytest.approx(np.quantile([0, 0, 0, 0, 1.5], 0.95))
    assert measure_framing(boxes[:4], sizes[:4]) is None


def test_a_photo_in_the_training_framing_comes_back_as_it_is() -> None:
    photo = ramp(200, 100)
    framed, found = frame_face(photo, face(30, 55, 70, 105), FRAMING)
    assert np.array_equal(framed, photo)
    assert found == face(30, 55, 70, 105)


def test_a_face_elsewhere_is_cut_out_unscaled() -> None:
    photo = ramp(250, 250)
    framed, found = frame_face(photo, face(80, 70, 120, 120), FRAMING)
    assert np.array_equal(framed, photo[15:215, 50:150])
    assert found == face(30, 55, 70, 105)


@pytest.mark.parametrize("zoom", [0.5, 2, 4])
def test_the_face_gets_the_size_of_training(zoom: float) -> None:
    photo = ramp(round(200 * zoom), round(100 * zoom))
    framed, found = frame_face(photo, face(30 * zoom, 55 * zoom, 70 * zoom, 105 * zoom), FRAMING)
    assert framed.shape == (200, 100, 3)
    np.testing.assert_allclose(found.box_xyxy_px, (30, 55, 70, 105), atol=1)
    np.testing.assert_allclose(found.landmarks_px, [(30, 55), (70, 105)], atol=1)


def test_what_lies_outside_repeats_the_edge() -> None:
    photo = ramp(60, 50)
    framed, found = frame_face(photo, face(0, 0, 40, 50), FRAMING)
    assert framed.shape == (200, 100, 3)
    assert found == face(30, 55, 70, 105)
    assert np.array_equal(framed[55:115, 30:80], photo)
    assert np.all(framed[:55, 30:80] == photo[0])
    assert np.all(framed[55:115, 80:] == photo[:, -1:])


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-300, -300, 900, 900), (499, 499, 500, 500), (250, 250, 250, 250)])
def test_no_box_needs_much_memory_or_fails(box: tuple[float, float, float, float]) -> None:
    framed, _ = frame_face(ramp(500, 500), face(*box), FRAMING)
    assert framed.shape == (200, 100, 3)
    assert framed.dtype == np.uint8


KNOWN = FRAMING.model_copy(update={"spread": 0.2})


def test_the_distance_is_the_largest_difference() -> None:
    assert distance(face(30, 55, 70, 105), (200, 100), FRAMING) == pytest.approx(0)
    assert distance(face(50, 55, 90, 105), (200, 100), FRAMING) == pytest.approx(0.5)  # half a face to the right
    assert distance(face(60, 110, 140, 210), (400, 200), FRAMING) == pytest.approx(0)  # twice the pixels, same shares
    assert distance(face(40, 67.5, 60, 92.5), (200, 100), FRAMING) == pytest.approx(np.log(2))
    assert distance(face(60, 55, 140, 105), (200, 200), FRAMING) == pytest.approx(np.log(2))  # as wide, in a wide photo


def test_only_photos_whose_face_lies_elsewhere_are_cut() -> None:
    photo = ramp(200, 100)
    near = framed_like_training(photo, [face(35, 55, 75, 105)], KNOWN)
    assert (near.face, near.faces) == (None, 1)
    assert near.photo is photo
    far = framed_like_training(ramp(400, 300), [face(0, 0, 4, 5), face(130, 100, 170, 150)], KNOWN)
    assert (far.face, far.faces) == (face(130, 100, 170, 150), 2)
    assert np.array_equal(far.photo, ramp(400, 300)[45:245, 100:200])


@pytest.mark.parametrize(
    ("spread", "off_px", "cut"), [(0.1, 9, False), (0.1, 11, True), (0.01, 5, False), (0.01, 7, True)]
)
def test_elsewhere_is_some_spreads_away_and_further_than_the_detector_errs(
    spread: float, off_px: int, cut: bool
) -> None:
    """Faces of training are 40 pixels wide: 10 pixels are 0.25 of that, 6 pixels 0.15."""
    framing = FRAMING.model_copy(update={"spread": spread})
    framed = framed_like_training(ramp(200, 100), [face(30 + off_px, 55, 70 + off_px, 105)], framing)
    assert (framed.face is not None) == cut


@pytest.mark.parametrize(("faces", "framing"), [([], KNOWN), ([face(0, 0, 4, 5)], FRAMING)])
def test_without_a_face_or_a_measure_a_photo_stays_as_it_is(faces: list[FaceBox], framing: Framing) -> None:
    photo = ramp(200, 100)
    assert framed_like_training(photo, faces, framing) == (photo, None, len(faces))
