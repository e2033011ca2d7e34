"""Tags and notes that people give to a run: ``marks.jsonl`` in its folder. They change no result and no run id.

One line an event, oldest first, none ever changed: ``{"at_utc": …, "add": […], "remove": […], "note": …}``. A run's
tags are what is left after all of them; its notes are all that were ever given. A line ends with a CRC-32 of itself and
of the run's id; those of earlier versions have none.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwise.errors import StoreError, must
from maskwise.files import locked, parse_json, write_atomically
from maskwise.store.layout import MARKS, MARKS_LOCK
from maskwise.store.runs import read_record

_OLD_KEYS = 4
_TAG = re.compile(r"[\w.+-]{1,40}")


@dataclass(frozen=True)
class Note:
    """A remark, and when it was made (ISO 8601, UTC)."""

    at_utc: str
    text: str


@dataclass(frozen=True)
class Marks:
    """What people say of a run."""

    tags: tuple[str, ...] = ()
    """Sorted."""
    notes: tuple[Note, ...] = ()
    """Oldest first."""


NO_MARKS = Marks()


def read_marks(folder: Path, run_id: str) -> Marks:
    """The marks of the run ``run_id`` in ``folder``; none where nobody gave any. ``StoreError`` for a damaged file."""
    if not os.path.exists(f"{folder}/{MARKS}"):  # noqa: PTH110 - a Path for each of thousands takes longer
        return NO_MARKS
    path = folder / MARKS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return NO_MARKS
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} must be readable text, got {type(error).__name__}. Delete it or fix it.") from None
    if not lines:
        raise StoreError(
            must(str(path), "one line or more", "an empty file", "Bring it back from a copy or delete it.")
        )
    tags: set[str] = set()
    notes = []
    for number, line in enumerate(lines, start=1):
        event = _read_event(line, f"{path}:{number}", run_id)
        tags = (tags | set(event["add"])) - set(event["remove"])
        if event["note"]:
            notes.append(Note(event["at_utc"], event["note"]))
    return Marks(tuple(sorted(tags)), tuple(notes))


def mark_run(folder: Path, add: Sequence[str] = (), remove: Sequence[str] = (), note: str | None = None) -> Marks:
    """Append an event to the run's marks and return what they are now.

    ``StoreError`` for tags that are no single word of up to 40 letters, digits and ``. _ + -``, for a tag both added
    and removed, a tag to remove that the run has not, an empty note, and where nothing is to be done.
    """
    run_id = read_record(folder).run_id
    with locked(folder / MARKS_LOCK):
        now = read_marks(folder, run_id)
        _refuse_nonsense(now, add, remove, note)
        event = {
            "at_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "add": list(add),
            "remove": list(remove),
            "note": note,
        }
        path = folder / MARKS
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        event["crc32"] = _sum_of(event, run_id)
        write_atomically(path, f"{before}{json.dumps(event, ensure_ascii=False)}\n")
        return read_marks(folder, run_id)


def join_marks(source: Path, target: Path) -> None:
    """Add what people said of the run in ``source`` to what they said of the same run in ``target``, by time."""
    if not (source / MARKS).exists():
        return
    run_id = read_record(target).run_id
    read_marks(source, run_id)  # refuses damage
    with locked(target / MARKS_LOCK):
        read_marks(target, run_id)
        lines = [
            line
            for folder in (target, source)
            if (folder / MARKS).exists()
            for line in (folder / MARKS).read_text(encoding="utf-8").splitlines()
        ]
        joined = sorted(dict.fromkeys(lines), key=lambda line: str(parse_json(line)["at_utc"]))
        if joined != lines[: len(joined)] or not (target / MARKS).exists():
            write_atomically(target / MARKS, "".join(f"{line}\n" for line in joined))


def _refuse_nonsense(now: Marks, add: Sequence[str], remove: Sequence[str], note: str | None) -> None:
    problems = [
        must("a tag", "one word of up to 40 letters, digits, '.', '_', '+' and '-'", tag, "Shorten it.")
        for tag in (*add, *remove)
        if not _TAG.fullmatch(tag)
    ]
    problems += [
        must("a tag", "added or removed, not both", tag, "Leave one out.") for tag in sorted({*add} & {*remove})
    ]
    has = ", ".join(now.tags) or "no tags"
    problems += [
        f"a tag to remove must be one of the run's ({has}), got {tag!r}. Leave it out."
        for tag in remove
        if _TAG.fullmatch(tag) and tag not in (*now.tags, *add)
    ]
    if note is not None and not note.strip():
        problems.append(must("a note", "some words", note, "Write what is to be remembered."))
    if not (add or remove or note is not None):
        problems.append("marks of a run must be a tag or a note, got none. Give --add, --remove or --note.")
    if problems:
        raise StoreError(problems)


def _sum_of(event: Mapping[str, Any], run_id: str) -> str:
    text = json.dumps([run_id, *(event[name] for name in ("at_utc", "add", "remove", "note"))])
    return f"{zlib.crc32(text.encode()):08x}"


def _read_event(line: str, place: str, run_id: str) -> dict[str, Any]:
    try:
        event = parse_json(line)
        note = event["note"]
        if len(event) > _OLD_KEYS and event["crc32"] != _sum_of(event, run_id):
            raise ValueError("its checksum is another")
        return {
            "at_utc": str(event["at_utc"]),
            "add": [str(tag) for tag in event["add"]],
            "remove": [str(tag) for tag in event["remove"]],
            "note": None if note is None else str(note),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{place} must be an event of marks, got something else ({error}). Delete the line.") from None
