from __future__ import annotations

import math
import re

from maskwise.reports.forest import ForestRow, forest, words_of
from maskwise.score import Score

NASTY = "<script>alert('x')</script>"


def lefts(text: str) -> list[float]:
    return [float(left) for left in re.findall(r'<b style="left:([\d.]+)%', text)]


def test_all_rows_stand_on_one_axis() -> None:
    rows = [ForestRow("macro F1", None), ForestRow("a", Score(0.5, 0.25, 0.75)), ForestRow("b", Score(1.0, 0.9, 1.0))]
    text = forest(rows)
    assert lefts(text) == [50.0, 100.0]
    assert re.findall(r'<i style="left:([\d.]+)%;width:([\d.]+)%', text) == [("25.0", "50.0"), ("90.0", "10.0")]
    assert '<span class="head">macro F1</span>' in text


def test_differences_have_their_zero_in_the_middle() -> None:
    text = forest([ForestRow("a", Score(0.02, -0.01, 0.05)), ForestRow("b", Score(0.0, -0.03, 0.03))], signed=True)
    assert "--zero:50.0%" in text
    # The axis reaches from -0.06 to +0.06, the next even hundredth beyond the widest interval.
    assert lefts(text) == [66.7, 50.0]
    assert "+0.020" in text


def test_intervals_of_too_few_people_are_not_shown() -> None:
    assert words_of(Score(0.5, 0.5, 0.5), 6) == ("0.500", "too few people")
    assert words_of(Score(0.5, 0.4, 0.6), 7) == ("0.500", "[0.400, 0.600]")
    assert words_of(Score(1.0, 1.0, 1.0), 60) == ("1.000", "no spread")
    assert words_of(Score(math.nan, math.nan, math.nan)) == ("–", "")
    assert "<i " not in forest([ForestRow("a", Score(0.5, 0.3, 0.7), people=2)])


def test_whatever_a_name_holds_it_is_text() -> None:
    assert "<script" not in forest([ForestRow(NASTY, Score(0.5, 0.4, 0.6), NASTY), ForestRow(NASTY, None)])
