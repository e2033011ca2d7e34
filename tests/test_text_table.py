from __future__ import annotations

import numpy as np
import pytest

from maskwise.score import Score
from maskwise.text_table import aligned, fitted, number, score, screen_width, shortened, text_width, wrapped


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


def test_columns_without_room_are_put_below_after_the_first_again() -> None:
    rows = [("run", "score", "gain"), ("best", "0.637", "+0.020"), ("probe", "0.617", "")]
    assert fitted(rows, 20, left=(0, 2)) == aligned(rows, left=(0, 2))
    assert fitted(rows, 19, left=(0, 2)) == [
        *("run    score", "best   0.637", "probe  0.617"),
        "",
        *("run    gain", "best   +0.020", "probe"),
    ]


def test_long_cells_are_broken_where_a_table_is_too_wide() -> None:
    lines = fitted([("what", "n"), ("a sentence of several words", "1"), ("긴 이름의 실험", "2")], 24)
    assert lines == [
        "what      n",
        "a         1",
        "sentence",
        "of",
        "several",
        "words",
        "긴        2",
        "이름의",
        "실험",
    ]


def test_lines_are_broken_between_words_and_paths_stay_whole() -> None:
    path = "/a" * 45
    assert wrapped([f"see {path} there", "short"]) == ["see", path, "there", "short"]
    assert wrapped(["one two three"], 8, indent="  ") == ["one two", "  three"]


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert screen_width() == 80
