"""The submissions of a store as plain text."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from typing import get_args

from maskwise.store.submissions import BoardName, Submission, SubmissionLog, left_today, rank_agreement
from maskwise.text_table import fitted, number, wrapped

_BOARDS: tuple[BoardName, ...] = get_args(BoardName)


def format_submissions(log: SubmissionLog, limit: int, today: datetime.date, width: int) -> str:
    """All submissions, the best so far per day, how validation and leaderboard agree, and how many are left today;
    tables within ``width`` columns."""
    if not log.submissions:
        return f"no submission yet: `maskwise submit` writes one; {limit} left today"
    blocks = [_table(log.submissions, width)]
    blocks += [block for board in _BOARDS if (block := _by_day(log.submissions, board, width))]
    left = left_today(log.submissions, limit, today)
    counted = f"{left} of {limit} submissions left today ({today.isoformat()}, UTC)"
    blocks.append(wrapped([*_agreement(log.submissions), counted], width))
    return "\n\n".join("\n".join(block) for block in blocks)


def _table(submissions: Sequence[Submission], width: int) -> list[str]:
    boards = [board for board in _BOARDS if any(board in each.scores for each in submissions)]
    head = ["id", "written (UTC)", "run", "", "file", "validation"]
    rows = [[*head, *(f"{board} {name}" for board in boards for name in ("F1", "accuracy"))]]
    for each in submissions:
        written = each.written
        validation = math.nan if written.validation_macro_f1 is None else written.validation_macro_f1
        cells = [str(written.number), written.at_utc[:16].replace("T", " "), written.name, written.run_id[:8]]
        scores = [each.scores.get(board) for board in boards]
        reported = [(math.nan, math.nan) if one is None else (one.macro_f1, one.accuracy) for one in scores]
        rows.append([*cells, written.file, number(validation), *(number(value) for pair in reported for value in pair)])
    return fitted(rows, width, left=(1, 2, 3, 4))


def _by_day(submissions: Sequence[Submission], board: BoardName, width: int) -> list[str]:
    scored = [each for each in submissions if board in each.scores]
    rows: list[tuple[str, ...]] = [("day", "submissions", "best so far", "run", "")]
    best: Submission | None = None
    for day in dict.fromkeys(each.day for each in sorted(scored, key=lambda each: each.written.at_utc)):
        ones = [each for each in scored if each.day == day]
        first = max([*([best] if best else []), *ones], key=lambda each: each.scores[board].macro_f1)
        cells = (number(first.scores[board].macro_f1), first.written.name, "" if first is best else "new")
        rows.append((day.isoformat(), str(len(ones)), *cells))
        best = first
    return [f"macro F1 on the {board} leaderboard", *fitted(rows, width, left=(0, 3, 4))] if scored else []


def _agreement(submissions: Sequence[Submission]) -> Iterator[str]:
    for board in _BOARDS:
        found = rank_agreement(submissions, board)
        if found is not None:
            correlation, count = found
            yield f"validation and {board} leaderboard: rank correlation {correlation:+.2f} (Spearman, {count} files)"
