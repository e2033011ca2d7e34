"""Decisions about likely wrong labels → a list of corrections beside the runs. No label is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from maskwise.errors import UserError, must
from maskwise.files import locked, write_atomically
from maskwise.tables import csv_text, read_csv

Decision = Literal["yes", "no", "skip"]


def corrections_path(store: Path, data_name: str) -> Path:
    """Where the list of a data set lies."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in data_name)
    return store / f"corrections-{plain}.csv"


def save_corrections(path: Path, rows: Sequence[Sequence[str]], decisions: Mapping[int, Decision]) -> int:
    """Write ``rows`` (head first, ``accept`` the first column) with what was decided; returns how many are accepted.

    ``decisions`` goes by place after the head, from 0; whatever else was accepted in the file stays. ``UserError`` for
    a place that is not there, and for a file that is no such list.
    """
    head, *suggested = [list(map(str, row)) for row in rows]
    beyond = sorted(place for place in decisions if not 0 <= place < len(suggested))
    if beyond:
        raise UserError(must("decisions", f"about rows 0 to {len(suggested) - 1}", beyond[0], "Open the page anew."))
    decided = [["yes" if decisions.get(place) == "yes" else "no", *row[1:]] for place, row in enumerate(suggested)]
    with locked(path.with_name(f".{path.name}.lock")):
        known = {_what(row) for row in decided}
        kept = [row for row in _accepted(path, head) if _what(row) not in known]
        write_atomically(path, csv_text([head, *decided, *kept]))
    return sum(row[0] == "yes" for row in [*decided, *kept])


def _accepted(path: Path, head: Sequence[str]) -> list[list[str]]:
    if not path.exists():
        return []
    columns = read_csv(path, tuple(head)).columns
    rows = [list(row) for row in zip(*(columns[name] for name in head), strict=True)]
    return [row for row in rows if row[0].lower() == "yes"]


def _what(row: Sequence[str]) -> tuple[str, ...]:
    """What a row corrects: an attribute of an id, or that two ids are one person."""
    _, id_, attribute, value, *_ = row
    return (id_, attribute, value) if attribute == "person" else (id_, attribute)
