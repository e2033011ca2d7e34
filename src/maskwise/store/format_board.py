"""The board as plain text for a terminal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from maskwise.store.board import Board, BoardRow
from maskwise.store.recipe_difference import describe_difference
from maskwise.store.run_record import RunRecord
from maskwise.text_table import aligned, column_width, duration, number, score, shortened, wrapped

MARK = "*"
OTHER_GROUPS = "runs on other data or another task are ranked apart: their scores cannot be compared"
OTHER_PEOPLE = (
    "the letter after the number of people says who was held out: runs of different letters were scored on other "
    "people, and their order may be an accident; compare sets them against each other on the people in common"
)
OPTIMISTIC_MARK = f"{MARK} optimistic: the checkpoint was chosen on the scored people, the score is too high"
_SHORTEST_NAME = 8
_NAMES_SHOWN = 10
_GAP = 2
_DROPPED_FIRST = (
    *("tags", "cost", "time", "seed", "folds", "people", "age", "gender", "mask", "accuracy", "leaderboard", "run"),
)
"""What gives way on a narrow terminal, in this order."""
_IF_ANY = ("tags", "leaderboard")
"""Columns that are shown where some run has them."""
_LEFT = ("", "name", "run", "macro F1", "tags")


def format_board(board: Board, width: int, *, price_an_hour: float | None = None, sort: str = "macro_f1") -> str:
    """The board as plain text within ``width`` terminal columns, as far as rank and macro F1 allow.

    A narrow terminal costs letters of long names, then columns, least important first. With ``price_an_hour`` of the
    machine the runs' costs are shown. That column and the one of ``sort`` always stay. Ends without a line break.
    """
    blocks = []
    for _, rows in itertools.groupby(board.rows, key=lambda row: row.group):
        members = list(rows)
        heading = wrapped([members[0].heading], width)
        blocks.append("\n".join([*heading, *_table(members, width, price_an_hour, sort)]))
    notes = wrapped(footnotes(board), width)
    return "\n\n".join([*(blocks or ["no finished run with a score yet"]), *(["\n".join(notes)] if notes else [])])


def format_differences(rows: Sequence[BoardRow], against: RunRecord, width: int) -> str:
    """What differs in the recipe of each run from that of ``against``, one line a run, broken at ``width``."""
    lines = [f"what differs from {against.name} ({against.run_id[:8]}):"]
    for row in rows:
        if row.record.run_id != against.run_id:
            differs = describe_difference(row.record.recipe, against.recipe)
            lines.append(f"  {row.record.name} ({row.record.run_id[:8]})  {', '.join(differs) or 'nothing'}")
    return "\n".join(wrapped(lines, width, indent=" " * 6))


def footnotes(board: Board) -> list[str]:
    """What a reader of the board must know, one line each."""
    notes = []
    if len({row.group for row in board.rows}) > 1:
        notes.append(OTHER_GROUPS)
    if any(row.people for row in board.rows):
        notes.append(OTHER_PEOPLE)
    if any(row.record.optimistic for row in board.rows):
        notes.append(OPTIMISTIC_MARK)
    if board.unscored:
        notes.append(f"{len(board.unscored)} trained on everybody, without a score: {_named(board.unscored)}")
    if board.unfinished:
        notes.append(f"{len(board.unfinished)} not finished: {_named([run.record for run in board.unfinished])}")
    if board.damaged_marks:
        notes.append(f"tags and notes of {len(board.damaged_marks)} runs are damaged, first: {board.damaged_marks[0]}")
    if board.skipped:
        notes.append(f"folders skipped that are no readable runs: {len(board.skipped)}, first: {board.skipped[0]}")
    return notes


def cells_of(row: BoardRow, price_an_hour: float | None = None) -> dict[str, str]:
    """A row's columns in words, by heading."""
    record = row.record
    cells = {
        "": f"{row.rank}{MARK if record.optimistic else ''}",
        "name": record.name,
        "run": record.run_id[:8],
        "macro F1": score(row.scores.macro_f1),
        "leaderboard": "" if math.isnan(row.leaderboard_macro_f1) else number(row.leaderboard_macro_f1),
        "accuracy": number(row.scores.accuracy.value),
        **{name: number(value) for name, value in row.scores.attribute_accuracy.items()},
        "people": f"{record.n_held_out_people:,}{f' {row.people}' if row.people else ''}",
        "folds": str(record.folds),
        "seed": str(record.seed),
        "time": duration(record.seconds),
    }
    if price_an_hour is not None:
        cells["cost"] = f"{record.seconds / 3600 * price_an_hour:.2f}"
    return cells


def _table(rows: list[BoardRow], width: int, price_an_hour: float | None, sort: str) -> list[str]:
    # A quarter of the width for the name, so that a long one does not cost all columns of figures.
    longest_name = max(_SHORTEST_NAME, width // 4)
    columns = [cells_of(row, price_an_hour) for row in rows]
    for row, cells in zip(rows, columns, strict=True):
        cells["name"] = shortened(cells["name"], longest_name)
        cells["tags"] = ", ".join(row.marks.tags)
    names = [name for name in columns[0] if name not in _IF_ANY or any(cells[name] for cells in columns)]
    widths = {name: column_width([name, *(cells[name] for cells in columns)]) for name in names}
    for dropped in _DROPPED_FIRST:
        if _total(widths) <= width:
            break
        if dropped not in (sort, "cost"):
            widths.pop(dropped, None)
    excess = _total(widths) - width
    if excess > 0:
        room = max(_SHORTEST_NAME, widths["name"] - excess)
        for cells in columns:
            cells["name"] = shortened(cells["name"], room)
    names = list(widths)
    left = [place for place, name in enumerate(names) if name in _LEFT]
    return aligned([names, *([cells[name] for name in names] for cells in columns)], left=left)


def _named(records: Sequence[RunRecord]) -> str:
    shown = ", ".join(f"{record.name} ({record.run_id[:8]})" for record in records[:_NAMES_SHOWN])
    more = len(records) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)
