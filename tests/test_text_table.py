from __future__ import annotations

import numpy as np

from maskwise.score import Score
from maskwise.text_table import aligned, number, score, shortened, text_width


def test_columns_are_padded_to_their_widest_cell() -> None:
    assert aligned([("a", "1"), ("bcd", "20")]) == ["a     1", "bcd  20"]


def test_wide_letters_take_two_columns() -> None:
    assert text_width("마스크") == 6
    assert text_width("e\u0301") == 1
    lines = aligned([("마스크", "1"), ("mask", "1")])
    assert [text_width(line) for line in lines] == [9, 9]


def test_long_text_is_cut_to_the_width() -> None:
    assert shortened("baseline", 8) == "baseline"
    assert shortened("baseline", 5) == "base…"
    assert text_width(shortened("마스크 분류", 6)) <= 6


def test_numbers() -> None:
    assert number(float("nan")) == "–"
    assert number(0.12345) == "0.123"
    assert score(Score(0.5, np.nan, np.nan)) == "0.500"
    assert score(Score(0.5, 0.25, 0.75), digits=2) == "0.50 [0.25, 0.75]"
