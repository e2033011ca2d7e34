from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
import pytest

from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle
from maskwise.labels import Task
from maskwise.records import Floats, Image
from maskwise.serving.explain import explain_face, shown_png

HEIGHT, WIDTH = 24, 16
BRIGHT = (5, 11)  # row and column of the only pixel that the hand-made bundle looks at
TASK = Task(attributes=("mask",))


class LooksAtOnePixel:
    """Says "worn" with 0.9 where its pixel of every input is white, else with 0.2."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict_prepared(self, prepared: Sequence[Prepared], *, calibrated: bool = False) -> list[Prediction]:
        self.calls.append(len(prepared))
        return [Prediction(TASK, self._probs(each.pixels)) for each in prepared]

    def _probs(self, pixels: tuple[Image, ...]) -> Floats:
        white = all(image[BRIGHT].min() == 255 for image in pixels)
        return np.array([0.9, 0.05, 0.05] if white else [0.2, 0.4, 0.4])


def face_with_a_white_pixel() -> Image:
    pixels = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
    pixels[BRIGHT] = 255
    return pixels


def explained(pixels: tuple[Image, ...], rows: int, cols: int) -> tuple[Floats, LooksAtOnePixel]:
    bundle = LooksAtOnePixel()
    return explain_face(cast("Bundle", bundle), Prepared(pixels, None), rows, cols), bundle


def test_only_patches_over_the_pixel_lower_the_answer() -> None:
    drops, bundle = explained((face_with_a_white_pixel(),), 6, 4)  # cells of 4 × 4, patches of 8 × 8
    hits = np.zeros((6, 4), dtype=bool)
    # Worked by hand: a patch covers rows 4r-2 … 4r+5 and columns 4c-2 … 4c+5; the pixel is at row 5, column 11.
    hits[0:2, 2:4] = True
    assert drops[hits] == pytest.approx(0.7)
    assert drops[~hits] == pytest.approx(0)
    assert bundle.calls == [25]


def test_the_patch_has_the_mean_color_of_the_pixels() -> None:
    """So covering a face of one color changes nothing at all."""
    white = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    drops, _ = explained((white,), 3, 2)
    assert drops == pytest.approx(np.zeros((3, 2)))


def test_every_input_is_covered_and_none_is_changed() -> None:
    pixels = (face_with_a_white_pixel(), face_with_a_white_pixel())
    drops, _ = explained(pixels, 1, 1)
    assert drops == pytest.approx(np.array([[0.7]]))
    assert all((each == face_with_a_white_pixel()).all() for each in pixels)


@pytest.mark.parametrize("grid", [(0, 4), (4, 0), (HEIGHT + 1, 4), (4, WIDTH + 1)])
def test_a_grid_that_cannot_be_is_refused(grid: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="grid of an explanation"):
        explained((face_with_a_white_pixel(),), *grid)


def test_the_picture_is_what_the_first_input_is_shown() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(shown_png(Prepared((pixels, pixels[:4]), None)), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert (np.asarray(decoded)[:, :, ::-1] == pixels).all()
