"""Pages: self-contained, safe against what names may hold, and true to the run."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from conftest import Workplace
from maskwise.data.manifest import read_train
from maskwise.labels import Task
from maskwise.reports.page import page, paragraph, picture, preformatted, section, table
from maskwise.reports.pictures import confusion_picture, learning_curve, mosaic, png
from maskwise.reports.summary import summary_page
from maskwise.store.layout import log_path, predictions_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_evaluation

NASTY = "<script>alert('x')</script> & \"quotes\""


def decoded(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image[..., ::-1], dtype=np.uint8)


def test_whatever_a_name_holds_it_is_text() -> None:
    parts = [section(NASTY, paragraph(NASTY)), table([NASTY], [[NASTY]]), preformatted(NASTY), picture(b"", NASTY)]
    text = page(NASTY, *parts)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 9


def test_a_page_asks_nothing_of_any_network() -> None:
    text = page("title", picture(b"abc", "words"))
    assert not re.findall(r"(?:src|href)=\"(?!data:)[^\"]*", text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_pictures_are_png_with_the_pixels_that_were_given() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(decoded(png(image)), image)
    tiles = decoded(mosaic([[image, image], [image]], tile_height_px=20))
    assert tiles.shape == (48, 68, 3)  # two rows of 20 + 2 · 2, two photos of 30 + 2 · 2
    assert np.array_equal(tiles[2:22, 2:32], image)
    assert (tiles[24:, 34:] == 255).all()


def test_curves_and_matrices_are_drawn() -> None:
    with_scores = decoded(learning_curve([2.0, 1.0, 0.5], [0.2, 0.4, 0.3]))
    without = decoded(learning_curve([2.0, 1.0, 0.5], None))
    assert with_scores.shape == without.shape
    assert not np.array_equal(with_scores, without)
    counts = np.array([[9, 1], [0, 5]])
    drawn = decoded(confusion_picture(counts, ["one", "two"], "title"))
    assert not np.array_equal(drawn, decoded(confusion_picture(counts.T, ["one", "two"], "title")))


def test_the_summary_of_a_run_tells_its_scores_and_mistakes(workplace: Workplace, trained: Path) -> None:
    predictions, task = read_predictions(predictions_path(trained))
    evaluation = read_evaluation(trained)
    photos = read_train(workplace.data, Task()).table
    log = log_path(trained, 0)
    text = summary_page("a run", workplace.data, photos, predictions, evaluation, task, log, "maskwise train tiny")
    assert f"{evaluation.joint.macro_f1.value:.3f}" in text
    assert f"{evaluation.n_people} people" in text
    wrong = predictions.probs_NC.argmax(axis=1) != predictions.class_N
    surest = predictions.photo_N[wrong][predictions.probs_NC[wrong].max(axis=1).argmax()]
    assert surest in text
    assert text.count("data:image/png;base64") == 6  # people, learning, three attributes, mistakes
    assert "appears" in text
