from __future__ import annotations

import html
import json
import re

from maskwise.reports.sortable_table import Cell, Compared, flat, lane_cell, sortable_table, text_cell

NASTY = "<script>alert('x')</script>"


def test_settings_become_addresses() -> None:
    assert flat({"train": {"epochs": 6, "rate": None}, "augment": [{"kind": "flip"}], "targets": []}) == {
        "train.epochs": "6",
        "train.rate": "null",
        "augment.0.kind": "flip",
        "targets": "[]",
    }


def test_rows_bear_their_settings_and_what_they_are_sorted_by() -> None:
    cells = [text_cell("1"), text_cell("one"), Cell("0.5 [0.4, 0.6]", "0.5")]
    text = sortable_table(["", "name", "score"], [cells], [Compared("c0ffee", "one (c0ffee)", {"seed": 3})])
    settings = re.findall(r'data-settings="([^"]+)"', text)
    assert json.loads(html.unescape(settings[0])) == {"seed": "3"}
    assert 'data-sort="0.5"' in text
    assert text.count("aria-sort") == 3
    assert '<option value="c0ffee">one (c0ffee)</option>' in text
    assert '<td>one</td><td class="differs"></td><td data-sort' in text
    assert re.search('aria-pressed="true" data-column="3">score<', text)


def test_dots_stand_on_the_axis_of_the_table() -> None:
    cell = lane_cell(0.5, 0.4, 0.6, (0.4, 0.8))
    assert 'left:0.0%;width:50.0%"' in cell.html
    assert '<b style="left:25.0%"' in cell.html


def test_whatever_a_name_holds_it_is_text() -> None:
    compared = Compared(NASTY, NASTY, {NASTY: NASTY})
    assert "<script" not in sortable_table([NASTY] * 3, [[text_cell(NASTY)] * 3], [compared])
