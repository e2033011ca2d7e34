"""The narrow waist refuses what cannot be true."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.records import Predictions
from support.tables import photo_table, strings


def predictions(seen: list[str]) -> Predictions:
    n = len(seen)
    return Predictions(
        photo_N=strings([f"{k}.jpg" for k in range(n)]),
        person_N=strings(["a"] * n),
        class_N=np.zeros(n, dtype=np.int64),
        probs_NC=np.full((n, 4), 0.25),
        seen_N=strings(seen),
    )


def test_fitting_on_anything_but_held_out_people_is_refused() -> None:
    predictions(["held_out", "held_out"]).require_held_out("ensemble weights")
    with pytest.raises(DataError, match=r"ensemble weights must be held out.*1 of 2"):
        predictions(["held_out", "trained_on"]).require_held_out("ensemble weights")


@pytest.mark.parametrize("bad", [0.3, np.nan, np.inf])
def test_probabilities_that_do_not_sum_to_one_name_the_photo(bad: float) -> None:
    probs = np.full((2, 4), 0.25)
    probs[1, 0] = bad
    with pytest.raises(DataError, match=r"1\.jpg"):
        dataclasses.replace(predictions(["test", "test"]), probs_NC=probs)


def test_ragged_columns_are_refused() -> None:
    with pytest.raises(DataError, match="one length"):
        dataclasses.replace(photo_table([0, 1], [0, 1], [20, 30]), mask_N=np.array([0]))


def test_take_keeps_rows_together() -> None:
    table = photo_table([0, 1, 2], [0, 1, 0], [20, 30, 40]).take(np.array([2, 0]))
    assert table.photo_N.tolist() == ["photo-2.jpg", "photo-0.jpg"]
    assert table.age_years_N.tolist() == [40, 20]
    assert predictions(["held_out", "test"]).take(np.array([False, True])).seen_N.tolist() == ["test"]


def test_at_puts_rows_in_the_order_of_the_photos() -> None:
    run = dataclasses.replace(predictions(["test"] * 3), class_N=np.array([5, 6, 7]))
    chosen = run.at(["2.jpg", "0.jpg"])
    assert chosen.photo_N.tolist() == ["2.jpg", "0.jpg"]
    assert chosen.class_N.tolist() == [7, 5]
    with pytest.raises(DataError, match=r"2 that are not, first 'x\.jpg'"):
        run.at(["0.jpg", "x.jpg", "y.jpg"])
