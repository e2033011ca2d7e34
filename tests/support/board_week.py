"""Rows of a board whose runs were begun over a week."""

from __future__ import annotations

from maskwise.score import Score
from maskwise.store.board import BoardRow, board_rows
from maskwise.store.marks import Marks, Note
from maskwise.store.run_record import RunData, RunRecord, ScoreSummary

_RUNS = (
    ("monday", 0.40, "2025-01-06T09:00:00Z", False),
    ("late", 0.45, "2025-01-06T23:59:00Z", False),
    ("tuesday", 0.60, "2025-01-07T00:01:00Z", False),
    ("<friday>", 0.50, "2025-01-10T12:00:00Z", False),
    ("too good", 0.99, "2025-01-06T12:00:00Z", True),
)


def week_of_rows() -> list[BoardRow]:
    """Runs of three days; the best is of the second and bears a tag and a note; an optimistic one reads higher."""
    records = [_record(number, *each) for number, each in enumerate(_RUNS)]
    return board_rows(records, {records[2].run_id: Marks(("paper",), (Note("2025-01-08", "a & b"),))})


def _record(number: int, name: str, macro_f1: float, begun: str, optimistic: bool) -> RunRecord:
    return RunRecord(
        run_id=f"{number:016x}",
        name=name,
        created_utc=begun,
        recipe={"seed": 0, "name": name},
        seed=0,
        data=RunData("faces", "c0ffee" * 4, 700, 100),
        versions={},
        command=("maskwise", "train", "quick"),
        folds=1,
        status="finished",
        optimistic=optimistic,
        seconds=7200.0,
        scores=ScoreSummary(Score(macro_f1, 0.1, 0.9), Score(0.7, float("nan"), float("nan")), {"mask": 0.9}, ()),
    )
