from __future__ import annotations

import json
import re

from maskwise.reports.review_script import review_bar, review_item, review_list

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
    assert '<a href="#line-2">line 2 of corrections.csv</a>' in text
    assert 'id="row-0"' in text
    assert "<script" not in text
    assert text.count("<button") == 3


def test_the_list_leads_back_to_what_can_be_decided() -> None:
    text = review_list([HEAD, ("no", NASTY), ("no", "b")], items=1)
    assert '<tr id="line-2"><td><a href="#row-0">2</a></td><td>no</td>' in text
    assert '<tr id="line-3"><td>3</td><td>no</td><td>b</td>' in text
    assert "<script" not in text
