"""The board as a page: its tables, what differs between recipes, tags and notes, and the best score day by day."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from maskwise.reports import charts as page_charts
from maskwise.reports import line_charts
from maskwise.reports import sortable_table as sortable
from maskwise.reports.line_charts import charts, svg_chart, x_at, y_at
from maskwise.reports.page import page, paragraph, section
from maskwise.reports.reports_beside import REPORTS_FOLDER, linked
from maskwise.reports.sortable_table import Cell, Compared, lane_cell, sortable_table, text_cell
from maskwise.store.board import Board, BoardRow
from maskwise.store.daily_best import DailyCurve, Day, daily_best
from maskwise.store.format_board import cells_of, footnotes
from maskwise.store.recipe_difference import IDLE, describe_difference
from maskwise.store.run_record import RunRecord
from maskwise.text_table import score

_UNLINKED = (
    f"Runs link to their reports where these lie beside this page or in {REPORTS_FOLDER}/: maskwise report RUN --out "
    f"{REPORTS_FOLDER}/RUN.html, then make the board again."
)
_STEPS = 3
_LAST = ("run", "data")
"""Columns that are read least."""


def board_page(
    board: Board,
    *,
    against: RunRecord | None = None,
    price_an_hour: float | None = None,
    reports: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """One self-contained HTML document. ``against``: a column says what differs in the recipe from that run's.

    ``reports`` (run id → address) are what the names of runs link to.
    """
    parts = [page_charts.STYLE, line_charts.STYLE, sortable.STYLE]
    for _, rows in itertools.groupby(board.rows, key=lambda row: row.group):
        members = list(rows)
        parts.append(section(members[0].heading, _table(members, against, price_an_hour, reports)))
    parts += [paragraph(note) for note in footnotes(board)]
    parts += (
        [section("Best score so far, day by day", charts(*map(_curve, daily_best(board.rows))))] if board.rows else []
    )
    if board.rows and not any(row.record.run_id in reports for row in board.rows):
        parts.append(paragraph(_UNLINKED))
    if not board.rows:
        parts.append(paragraph("no finished run with a score yet"))
    return page("Board", *parts, wide=True, script=sortable.SCRIPT)


def curve_svg(curve: DailyCurve) -> str:
    """The best macro F1 so far as a staircase over the days."""
    best = [day.best.scores.macro_f1.value for day in curve.days]
    first, last = curve.days[0].date, curve.days[-1].date
    span = (last - first).days
    margin = max(0.08 * (max(best) - min(best)), 0.005)
    low, high = min(best) - margin, max(best) + margin
    x_D = [x_at((day.date - first).days, 0, span) for day in curve.days]
    y_D = [y_at(value, high, low) for value in best]
    steps = [f"M{x_D[0]:.1f},{y_D[0]:.1f}", *(f"H{x:.1f}V{y:.1f}" for x, y in zip(x_D[1:], y_D[1:], strict=True))]
    dots = "".join(
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.4"><title>{escape(_described(day))}</title></circle>'
        for x, y, day in zip(x_D, y_D, curve.days, strict=True)
        if day.improved
    )
    ticks = sorted({round(span * share / _STEPS) for share in range(_STEPS + 1)})
    across = [(x_at(tick, 0, span), (first + datetime.timedelta(days=tick)).strftime("%m-%d")) for tick in ticks]
    words = f"{curve.heading}: from {best[0]:.3f} on {first} to {best[-1]:.3f} on {last}"
    below = f"day, {first} to {last}"
    return svg_chart(
        "best macro F1", words, f'<path class="drawn l0" d="{"".join(steps)}"/>{dots}', across, below, high, low
    )


def _curve(curve: DailyCurve) -> str:
    """A line of days; of a single day a sentence."""
    heading = escape(curve.heading)
    if len(curve.days) == 1:
        return f"<figure><figcaption>{heading}</figcaption><p>{escape(_described(curve.days[0]))}</p></figure>"
    return f"<figure>{curve_svg(curve)}<figcaption>{heading}</figcaption></figure>"


def _described(day: Day) -> str:
    return f"{day.date}: {day.best.record.name}, {score(day.best.scores.macro_f1)}"


def _table(
    rows: Sequence[BoardRow], against: RunRecord | None, price_an_hour: float | None, reports: Mapping[str, str]
) -> str:
    lines = [_cells(row, against, price_an_hour) for row in rows]
    marked = {"tags", "notes", "leaderboard"}
    names = [name for name in lines[0] if name not in marked or any(line[name] for line in lines)]
    names = [*(name for name in names if name not in _LAST), *_LAST]
    place = names.index("macro F1") + 1
    found = [row.scores.macro_f1 for row in rows]
    bounds = [bound for each in found for bound in (each.value, each.low, each.high) if math.isfinite(bound)]
    axis = (min(bounds), max(bounds))
    cells = []
    for row, line, each in zip(rows, lines, found, strict=True):
        texts = [_sorted_cell(name, line[name]) for name in names]
        texts[names.index("name")] = Cell(linked(line["name"], row.record.run_id, reports))
        cells.append([*texts[:place], lane_cell(each.value, each.low, each.high, axis), *texts[place:]])
    head = [*names[:place], f"interval, {axis[0]:.2f} to {axis[1]:.2f}", *names[place:]]
    return sortable_table(head, cells, [_compared(row.record) for row in rows])


def _compared(record: RunRecord) -> Compared:
    settings = {name: value for name, value in record.recipe.items() if name not in IDLE}
    return Compared(record.run_id, f"{record.name} ({record.run_id[:8]})", settings)


def _sorted_cell(name: str, text: str) -> Cell:
    """Scores are sorted by their number, ranks without their mark."""
    first = text.split(" ")[0].rstrip("*")
    return Cell(escape(text), first) if name in ("", "macro F1", "accuracy") else text_cell(text)


def _cells(row: BoardRow, against: RunRecord | None, price_an_hour: float | None) -> dict[str, str]:
    cells = {**cells_of(row, price_an_hour), "begun": row.record.created_utc[:10], "data": row.record.data.checksum[:8]}
    cells["tags"] = ", ".join(row.marks.tags)
    cells["notes"] = "; ".join(note.text for note in row.marks.notes)
    if against is not None:
        same = row.record.run_id == against.run_id
        differences = ["this run"] if same else describe_difference(row.record.recipe, against.recipe)
        cells[f"differs from {against.name}"] = ", ".join(differences) or "nothing"
    return cells
