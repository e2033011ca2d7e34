"""Submission files and what leaderboards reported for them: ``submissions.jsonl`` in the store.

One line per event, oldest first, none ever changed: a file that ``submit`` wrote, or the score of one.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from maskwise.errors import StoreError, must
from maskwise.files import locked, write_atomically
from maskwise.settings import Settings
from maskwise.store.run_record import RunRecord

SUBMISSIONS = "submissions.jsonl"
_LOCK = ".submissions.lock"

BoardName = Literal["public", "private"]


class _Line(Settings):
    crc32: str = ""
    """Of the other fields; "" in lines of earlier versions."""

    @property
    def expected_crc32(self) -> str:
        return f"{zlib.crc32(self.model_dump_json(exclude={'crc32'}).encode()):08x}"


class Submitted(_Line):
    """A file that was written."""

    kind: Literal["submitted"] = "submitted"
    number: int
    at_utc: str
    run_id: str
    name: str
    file: str
    sha256: str
    validation_macro_f1: float | None
    """On held-out people; None for a run that was trained on everybody."""


class Scored(_Line):
    """What a leaderboard reported; the latest score of a board counts."""

    kind: Literal["scored"] = "scored"
    number: int
    at_utc: str
    board: BoardName
    macro_f1: float = Field(ge=0, le=1)
    accuracy: float = Field(ge=0, le=1)


_Event = Annotated[Submitted | Scored, Field(discriminator="kind")]
_EVENT: TypeAdapter[Submitted | Scored] = TypeAdapter(_Event)


@dataclass(frozen=True)
class Submission:
    """A file and its scores, by leaderboard."""

    written: Submitted
    scores: dict[BoardName, Scored] = dataclasses.field(default_factory=dict)

    @property
    def day(self) -> datetime.date:
        """The day (UTC) on which it was written."""
        return datetime.datetime.fromisoformat(self.written.at_utc).date()


class SubmissionLog(NamedTuple):
    """All submissions of a store."""

    submissions: tuple[Submission, ...]
    """Oldest first."""
    damaged: tuple[str, ...]
    """One line for each line of the file that is no event."""


def read_submissions(store: Path) -> SubmissionLog:
    """What was submitted from ``store``; damaged lines are passed over and named."""
    path = store / SUBMISSIONS
    by_number: dict[int, Submission] = {}
    damaged = []
    lines = _bytes(path).splitlines()
    if not lines and path.exists():
        damaged.append(must(str(path), "one line or more", "an empty file", "Bring it back from a copy, or delete it."))
    for number, line in enumerate(lines, start=1):
        try:
            event = _EVENT.validate_json(line)
            intact = event.crc32 in ("", event.expected_crc32)
        except ValidationError:
            intact = False
        if not intact:
            damaged.append(f"{path}:{number} must be a submission or its score, got something else. Delete the line.")
            continue
        if isinstance(event, Submitted):
            by_number[event.number] = Submission(event)
        elif event.number in by_number:
            by_number[event.number].scores[event.board] = event
    return SubmissionLog(tuple(by_number.values()), tuple(damaged))


def record_submission(store: Path, record: RunRecord, file: Path) -> Submitted:
    """Add the submission ``file`` of a run to the log; a file of the same content is the submission that it was."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    with locked(store / _LOCK):
        known = read_submissions(store).submissions
        for each in known:
            if each.written.sha256 == sha256 and each.written.run_id == record.run_id:
                return each.written
        event = Submitted(
            number=1 + max((each.written.number for each in known), default=0),
            at_utc=_now(),
            run_id=record.run_id,
            name=record.name,
            file=str(file),
            sha256=sha256,
            validation_macro_f1=None if record.scores is None else record.scores.macro_f1.value,
        )
        _append(store, event)
    return event


def record_score(store: Path, number: int, board: BoardName, macro_f1: float, accuracy: float) -> Submission:
    """Note what ``board`` reported for submission ``number``. ``StoreError`` for an unknown one, or no share."""
    for name, value in (("--macro-f1", macro_f1), ("--accuracy", accuracy)):
        if not 0 <= value <= 1:
            raise StoreError(must(name, "from 0 to 1", value, "Divide a percentage by 100."))
    with locked(store / _LOCK):
        numbers = [each.written.number for each in read_submissions(store).submissions]
        if number not in numbers:
            known = f"one of 1 to {max(numbers)}" if numbers else f"recorded in {store} by `maskwise submit`"
            raise StoreError(must("submission", known, number, "See `maskwise submissions`."))
        _append(store, Scored(number=number, at_utc=_now(), board=board, macro_f1=macro_f1, accuracy=accuracy))
    return next(each for each in read_submissions(store).submissions if each.written.number == number)


def left_today(submissions: Sequence[Submission], limit: int, today: datetime.date) -> int:
    """How many of ``limit`` submissions are left on the day (UTC) ``today``."""
    return max(0, limit - sum(each.day == today for each in submissions))


def best_by_run(submissions: Sequence[Submission]) -> dict[str, float]:
    """The highest macro F1 that the public leaderboard reported for each run, by run id."""
    best: dict[str, float] = {}
    for each in submissions:
        if "public" in each.scores:
            run_id = each.written.run_id
            best[run_id] = max(best.get(run_id, -math.inf), each.scores["public"].macro_f1)
    return best


def rank_agreement(submissions: Sequence[Submission], board: BoardName) -> tuple[float, int] | None:
    """Spearman's rank correlation of validation and leaderboard macro F1, and of how many submissions; None below 3."""
    pairs = [
        (each.written.validation_macro_f1, each.scores[board].macro_f1)
        for each in submissions
        if board in each.scores and each.written.validation_macro_f1 is not None
    ]
    if len(pairs) < 3 or any(len(set(side)) < 2 for side in zip(*pairs, strict=True)):
        return None
    from scipy.stats import spearmanr  # takes a second to import

    validation, leaderboard = zip(*pairs, strict=True)
    return float(spearmanr(validation, leaderboard).statistic), len(pairs)


def _append(store: Path, event: Submitted | Scored) -> None:
    path = store / SUBMISSIONS
    before = _bytes(path)
    joint = b"" if not before or before.endswith(b"\n") else b"\n"
    line = event.model_copy(update={"crc32": event.expected_crc32}).model_dump_json()
    write_atomically(path, before + joint + line.encode() + b"\n")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
