"""The best score so far, day by day: what the board would have shown on the evening of each day that saw a run."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from maskwise.store.board import BoardRow
from maskwise.text_table import fitted, score, wrapped


@dataclass(frozen=True)
class Day:
    """One day (UTC) on which runs were begun, and the best of all runs until its end."""

    date: datetime.date
    n_runs: int
    """Finished runs that were begun on this day."""
    best: BoardRow
    improved: bool
    """Whether the best run was begun on this day."""


@dataclass(frozen=True)
class DailyCurve:
    """The days of runs that may be compared: one data set and task, the same people held out."""

    heading: str
    days: tuple[Day, ...]
    """Oldest first."""


def daily_best(rows: Sequence[BoardRow]) -> list[DailyCurve]:
    """A curve per group of the board and set of people. Optimistic runs are left out: their scores are too high."""
    groups: dict[tuple[str, str], list[BoardRow]] = {}
    for row in rows:
        if not row.record.optimistic and row.scores.macro_f1.value == row.scores.macro_f1.value:
            groups.setdefault((row.group, row.people), []).append(row)
    return [DailyCurve(_heading(members[0]), _days(members)) for members in groups.values()]


def format_curves(curves: Sequence[DailyCurve], width: int) -> str:
    """One line per day, within ``width`` columns. Ends without a line break."""
    blocks = []
    for curve in curves:
        rows = [("day", "runs", "best so far", "run", "")]
        rows += [
            (
                day.date.isoformat(),
                str(day.n_runs),
                score(day.best.scores.macro_f1),
                f"{day.best.record.name} ({day.best.record.run_id[:8]})",
                "new" if day.improved else "",
            )
            for day in curve.days
        ]
        blocks.append("\n".join([*wrapped([curve.heading], width), *fitted(rows, width, left=(0, 2, 3, 4))]))
    return "\n\n".join(blocks or ["no finished run with a score yet"])


def _heading(row: BoardRow) -> str:
    people = f"; {row.record.n_held_out_people:,} people held out" + (f", set {row.people}" if row.people else "")
    return f"best macro F1 so far: {row.heading}{people}"


def _days(rows: Sequence[BoardRow]) -> tuple[Day, ...]:
    by_date: dict[datetime.date, list[BoardRow]] = {}
    for row in sorted(rows, key=lambda each: (each.record.created, each.rank)):
        by_date.setdefault(row.record.created.astimezone(datetime.UTC).date(), []).append(row)
    days: list[Day] = []
    for date, runs in by_date.items():
        before = [days[-1].best] if days else []
        best = max([*before, *runs], key=lambda row: row.scores.macro_f1.value)  # of equals the first
        days.append(Day(date, len(runs), best, best not in before))
    return tuple(days)
