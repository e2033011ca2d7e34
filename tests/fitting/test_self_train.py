from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maskwise.errors import StoreError
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.run_data import are_labeled
from maskwise.fitting.self_train import describe_pseudo_labels, with_pseudo_labels
from maskwise.labels import Task
from maskwise.records import Image, Ints
from maskwise.selftraining.select import PseudoLabels
from support.fits import Remember
from support.tables import photo_table, strings

TASK = Task(attributes=("mask", "gender"))


def photos(values: list[int], labeled: bool, prefix: str) -> PhotoSet:
    """Photos of one pixel, whose value identifies them."""
    n = len(values)
    codes = [k % 2 if labeled else -1 for k in range(n)]
    table = TASK.label(photo_table(codes, codes, [30 if labeled else -1] * n))
    table = dataclasses.replace(table, photo_N=strings([f"{prefix}-{k}" for k in range(n)]))

    def read(index: Ints) -> Image:
        return np.array(values, np.uint8)[index][:, None, None, None].repeat(3, axis=3)

    return PhotoSet(table, read)


LABELED, UNLABELED = photos([10, 11], labeled=True, prefix="known"), photos([20, 21, 22], False, "unlabeled")
# Of the classes mask * 2 + gender: not worn and male, and, less surely, incorrect and female.
LABELS = PseudoLabels(
    strings(["unlabeled-2", "unlabeled-0"]),
    np.array([[0, 0, 0, 0, 1, 0], [0, 0.1, 0.2, 0.7, 0, 0]]),
    np.array([0.5, 0.25]),
)


def test_labeled_photos_keep_one_hot_rows_and_unlabeleds_get_theirs() -> None:
    both = with_pseudo_labels(LABELED, UNLABELED, LABELS, TASK)
    table, rows = both.table, both.rows
    assert rows is not None
    assert table.photo_N.tolist() == ["known-0", "known-1", "unlabeled-2", "unlabeled-0"]
    assert table.train_class_N.tolist() == [0, 3, 4, 3]
    assert rows.target_NC[:2].tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert rows.target_NC[2:] == pytest.approx(LABELS.target_MC)
    assert rows.weight_N.tolist() == [1, 1, 0.5, 0.25]
    assert {rows.target_NC.dtype, rows.weight_N.dtype} == {np.dtype(np.float32)}
    # What samplers look at; the truth and the age stay unknown.
    assert (table.mask_N[2:].tolist(), table.gender_N[2:].tolist()) == ([2, 1], [0, 1])
    assert (table.class_N[2:].tolist(), table.age_years_N[2:].tolist()) == ([-1, -1], [-1, -1])


def test_the_pixels_are_those_of_the_photos_in_any_order() -> None:
    both = with_pseudo_labels(LABELED, UNLABELED, LABELS, TASK)
    for index in ([0, 1, 2, 3], [3, 0, 2], [1], [2, 2], []):
        pixels = both.read(np.array(index, dtype=np.int64))
        assert pixels.shape == (len(index), 1, 1, 3)
        assert pixels[:, 0, 0, 0].tolist() == [[10, 11, 22, 20][k] for k in index]
    part = both.take(np.array([3, 1]))
    assert part.rows is not None
    assert part.rows.weight_N.tolist() == [0.25, 1]
    assert part.read(np.array([0, 1]))[:, 0, 0, 0].tolist() == [20, 11]


def test_without_pseudo_labels_the_labeled_photos_are_what_they_were() -> None:
    nothing = PseudoLabels(strings([]), np.zeros((0, 6)), np.zeros(0))
    assert with_pseudo_labels(LABELED, UNLABELED, nothing, TASK) is LABELED
    assert "none of 3 photos" in describe_pseudo_labels(nothing, 3, TASK)


def test_pseudo_labels_are_described_by_hand() -> None:
    count, _, shares = describe_pseudo_labels(LABELS, 3, TASK).partition(": ")
    assert count == "2 of 3 photos get a pseudo-label (66.7%)"
    masks, genders = shares.split(" · ")
    assert masks == "worn 0 (0.0%), incorrect 1 (50.0%), not_worn 1 (50.0%)"
    assert genders == "male 1 (50.0%), female 1 (50.0%)"


def test_pseudo_labels_of_other_photos_are_refused() -> None:
    foreign = LABELS._replace(photo_id_M=strings(["unlabeled-2", "known-0"]))
    with pytest.raises(StoreError, match="got 1 others, first 'known-0'"):
        with_pseudo_labels(LABELED, UNLABELED, foreign, TASK)


def test_copies_of_labeled_photos_are_known() -> None:
    listener = Remember()
    known_N = are_labeled(strings(["aa", "bb", "cc"]), strings(["bb", "dd"]), listener)
    assert known_N.tolist() == [False, True, False]
    assert len(listener.notes) == 1
    assert listener.notes[0].startswith("1 unlabeled photos are copies ")
    assert not are_labeled(strings(["aa"]), strings(["dd"]), listener).any()
    assert len(listener.notes) == 1
