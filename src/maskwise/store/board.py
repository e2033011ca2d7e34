"""The leaderboard: a question asked of the run folders, best held-out macro F1 first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from maskwise.evaluation.text_table import aligned, number, score, shortened, text_width
from maskwise.records import Score
from maskwise.store.run_record import RunData, RunRecord, ScoreSummary
from maskwise.store.runs import StoredRun, list_runs

MARK = "*"
_SHORTEST_NAME = 8
_DROPPED_FIRST = ("time", "seed", "folds", "people", "age", "gender", "mask", "accuracy", "run")
"""What gives way on a narrow terminal, in this order."""


@dataclass(frozen=True)
class BoardRow:
    """One finished run on the board."""

    rank: int
    """From 1 within its group."""
    group: str
    """Equal for runs that may be ranked together: the same data, attributes and age borders."""
    heading: str
    """What the group's runs have in common, for people."""
    name: str
    run_id: str
    macro_f1: Score
    accuracy: Score
    attribute_accuracy: dict[str, float]
    n_people: int
    """Held-out people whose photos were scored."""
    folds: int
    seed: int
    seconds: float
    optimistic: bool
    created_utc: str


@dataclass(frozen=True)
class Board:
    """What ``maskwise board`` shows."""

    rows: tuple[BoardRow, ...]
    """Grouped; the group with most runs first, best run first within a group."""
    unfinished: tuple[StoredRun, ...]
    skipped: tuple[str, ...]
    """One line for each folder of the store that is no readable run."""


def read_board(store: Path) -> Board:
    """The board of a store; reads every run.json and nothing else."""
    listing = list_runs(store)
    unfinished = tuple(run for run in listing.runs if run.record.status != "finished")
    return Board(tuple(board_rows(run.record for run in listing.runs)), unfinished, listing.skipped)


def board_rows(records: Iterable[RunRecord]) -> list[BoardRow]:
    """The finished runs among ``records``, best held-out macro F1 first within each group; equals by age."""
    groups: dict[str, list[tuple[RunRecord, ScoreSummary]]] = {}
    for record in records:
        if record.status == "finished" and record.scores is not None:
            groups.setdefault(_group(record.data, record.scores), []).append((record, record.scores))
    rows: list[BoardRow] = []
    for group in sorted(groups, key=lambda key: (-len(groups[key]), key)):
        members = sorted(groups[group], key=lambda pair: (_worst_last(pair[1]), pair[0].created, pair[0].run_id))
        heading = _heading(*members[0])
        rows += [_row(rank, group, heading, *member) for rank, member in enumerate(members, start=1)]
    return rows


def format_board(board: Board, width: int) -> str:
    """The board as plain text; its tables keep within ``width`` terminal columns, as far as rank and macro F1 allow.

    A narrow terminal costs letters of long names, then columns, the least telling first. Ends without a line break.
    """
    blocks = []
    for _, rows in itertools.groupby(board.rows, key=lambda row: row.group):
        members = list(rows)
        blocks.append("\n".join([members[0].heading, *_table(members, width)]))
    return "\n\n".join([*(blocks or ["no finished runs yet"]), *_footnotes(board)])


def duration(seconds: float) -> str:
    """``2h 05m``, ``8m 05s`` or ``42s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 60}m {whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def _worst_last(scores: ScoreSummary) -> float:
    return math.inf if math.isnan(scores.macro_f1.value) else -scores.macro_f1.value


def _group(data: RunData, scores: ScoreSummary) -> str:
    return "/".join([data.checksum, *scores.attribute_accuracy, *map(str, scores.age_borders_years)])


def _heading(record: RunRecord, scores: ScoreSummary) -> str:
    data = record.data
    borders = " and ".join(map(str, scores.age_borders_years))
    task = " × ".join(scores.attribute_accuracy) + (f" (age borders {borders})" if borders else "")
    return f"{data.name}: {data.n_photos:,} photos of {data.n_people:,} people, data {data.checksum[:8]}, {task}"


def _row(rank: int, group: str, heading: str, record: RunRecord, scores: ScoreSummary) -> BoardRow:
    return BoardRow(
        rank=rank,
        group=group,
        heading=heading,
        name=record.name,
        run_id=record.run_id,
        macro_f1=scores.macro_f1,
        accuracy=scores.accuracy,
        attribute_accuracy=scores.attribute_accuracy,
        n_people=record.n_held_out_people,
        folds=record.folds,
        seed=record.seed,
        seconds=record.seconds,
        optimistic=record.optimistic,
        created_utc=record.created_utc,
    )


def _table(rows: list[BoardRow], width: int) -> list[str]:
    # A quarter of the width for the name, so that a long one does not cost all columns of figures.
    columns = [_cells(row, max(_SHORTEST_NAME, width // 4)) for row in rows]
    names = list(columns[0])
    for dropped in _DROPPED_FIRST:
        if _width_of(_lines(columns, names)) <= width:
            break
        names = [name for name in names if name != dropped]
    lines = _lines(columns, names)
    excess = _width_of(lines) - width
    if excess > 0:
        longest = max(text_width(cells["name"]) for cells in columns)
        room = max(_SHORTEST_NAME, longest - excess)
        lines = _lines([{**cells, "name": shortened(cells["name"], room)} for cells in columns], names)
    return lines


def _cells(row: BoardRow, longest_name: int) -> dict[str, str]:
    return {
        "": f"{row.rank}{MARK if row.optimistic else ''}",
        "name": shortened(row.name, longest_name),
        "run": row.run_id[:8],
        "macro F1": score(row.macro_f1),
        "accuracy": number(row.accuracy.value),
        **{name: number(value) for name, value in row.attribute_accuracy.items()},
        "people": f"{row.n_people:,}",
        "folds": str(row.folds),
        "seed": str(row.seed),
        "time": duration(row.seconds),
    }


def _lines(columns: list[dict[str, str]], names: list[str]) -> list[str]:
    left = [place for place, name in enumerate(names) if name in ("", "name", "run", "macro F1")]
    return aligned([names, *([cells[name] for name in names] for cells in columns)], left=left)


def _width_of(lines: list[str]) -> int:
    return max(map(text_width, lines))


def _footnotes(board: Board) -> list[str]:
    notes = []
    if len({row.group for row in board.rows}) > 1:
        notes.append("runs on other data or another task are ranked apart: their scores cannot be compared")
    if any(row.optimistic for row in board.rows):
        notes.append(f"{MARK} optimistic: the checkpoint was chosen on the scored people, the score reads too high")
    if board.unfinished:
        shown = ", ".join(f"{run.record.name} ({run.record.run_id[:8]})" for run in board.unfinished[:10])
        more = f" and {len(board.unfinished) - 10} more" if len(board.unfinished) > 10 else ""
        notes.append(f"{len(board.unfinished)} not finished: {shown}{more}")
    if board.skipped:
        notes.append(f"folders skipped that are no readable runs: {len(board.skipped)}, first: {board.skipped[0]}")
    return ["\n".join(notes)] if notes else []
