from __future__ import annotations

import json
import re

from maskwise.reports.review_script import review_bar, review_item

NASTY = "</script><script>alert('x')</script>"
HEAD = ("accept", "id")


def test_the_rows_come_out_as_they_went_in_and_cannot_end_the_script() -> None:
    rows = [HEAD, ("no", NASTY), ("no", 'a "b", c')]
    text = review_bar(rows)
    inner = re.findall(r'id="rows">(.*?)</script>', text)[0]
    assert json.loads(inner) == [list(row) for row in rows]
    assert text.count("<script") == 1


def test_another_list_is_remembered_apart() -> None:
    key = re.compile(r'data-key="(\w+)"')
    assert key.findall(review_bar([HEAD, ("no", "1")])) != key.findall(review_bar([HEAD, ("no", "2")]))
    assert key.findall(review_bar([HEAD])) == key.findall(review_bar([HEAD]))


def test_an_item_names_its_line_of_the_file() -> None:
    text = review_item(0, NASTY)
    assert "line 2 of corrections.csv" in text
    assert 'id="row-0"' in text
    assert "<script" not in text
    assert text.count("<button") == 3
