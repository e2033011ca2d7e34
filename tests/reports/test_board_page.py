from __future__ import annotations

import re

from maskwise.reports.board_page import board_page, curve_svg
from maskwise.store.board import Board
from maskwise.store.daily_best import daily_best
from support.board_week import week_of_rows


def test_a_curve_climbs_to_the_right() -> None:
    rows = week_of_rows()
    (curve,) = daily_best(rows)
    svg = curve_svg(curve)
    assert 'aria-label="best macro F1 so far' in svg
    assert "from 0.450 on 2025-01-06 to 0.600 on 2025-01-10" in svg
    assert svg.count("<circle") == 2
    path = svg.split('<path class="drawn l0" d="M')[1].split('"')[0]
    start_y = float(path.split("H")[0].split(",")[1])
    assert float(path.split("V")[1].split("H")[0]) < start_y  # up is less
    assert re.findall(r'text-anchor="middle">(\d\d-\d\d)<', svg) == ["01-06", "01-07", "01-09", "01-10"]


def test_the_page_shows_everything_and_escapes_it() -> None:
    rows = week_of_rows()
    html = board_page(Board(tuple(rows), (), ()), against=rows[1].record, price_an_hour=2)
    for words in ("&lt;friday&gt;", "a &amp; b", "paper", "4.00", "differs from", "c0ffeec0", "optimistic", "<svg"):
        assert words in html
    assert "<friday>" not in html
    assert "http" not in html
    assert "no finished run with a score yet" in board_page(Board((), (), ()))


def test_runs_link_to_their_reports() -> None:
    rows = week_of_rows()
    board, run = Board(tuple(rows), (), ()), rows[0].record
    html = board_page(board, reports={run.run_id: "reports/one.html"})
    assert f'<td><a href="reports/one.html" translate="no">{run.name}</a></td>' in html
    assert "maskwise report RUN" not in html
    assert "maskwise report RUN --out reports/RUN.html" in board_page(board)
