"""What all run.json files of a store said when they were last read, in one file, as opening thousands takes a while.

``.records-index`` in the store may be deleted at any time. A run is read from it only while its run.json is the very
file that was read, by size, inode and times; one that changed a moment ago is read anew. Settings that many recipes
share stand there once, and so do data sets, versions and commands; the names of fields are not repeated.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from maskwise.errors import StoreError
from maskwise.files import write_atomically
from maskwise.store.layout import RECORD
from maskwise.store.run_record import FORMAT, RunRecord

INDEX = ".records-index"
FEWEST_RUNS = 100
"""A store of fewer runs has no index: reading them takes no time."""
SETTLED_SECONDS = 3.0
"""A file changed more recently could change again within one tick of the file system's clock."""

Stamp = tuple[int, int, int, int]


@dataclass
class RecordIndex:
    """Records by the folder's name, each with the stamp of its run.json."""

    file: Path
    rows: dict[str, list[Any]] = field(default_factory=dict)
    """What the file holds, by the folder's name; see ``_to_row``."""
    shared: list[Any] = field(default_factory=list)
    """The values that rows name by their place here."""
    kept: dict[str, tuple[Stamp, RunRecord]] = field(default_factory=dict)
    """What is asked for or noted now: what ``save`` writes."""
    n_noted: int = 0

    @classmethod
    def load(cls, store: Path) -> RecordIndex:
        """The index of ``store``; an empty one where there is none, or one that cannot be used."""
        file = store / INDEX
        try:
            # Three times as fast as json, and typer has imported it already.
            content = from_json(file.read_bytes())
            if content["shape"] != _SHAPE:
                return cls(file)
            return cls(file, {row[0]: row for row in content["rows"]}, content["shared"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return cls(file)

    def record(self, name: str, stamp: Stamp | None) -> RunRecord | None:
        """The record of the run in the folder ``name``; None unless its run.json had this very stamp."""
        row = self.rows.get(name)
        if stamp is None or row is None:
            return None
        try:
            if tuple(row[1]) != stamp:
                return None
            record = RunRecord.from_dict(_from_row(row, self.shared))
        except (StoreError, ValueError, KeyError, TypeError, IndexError):  # an index that somebody has mended
            return None
        self.kept[name] = (stamp, record)
        return record

    def note(self, name: str, stamp: Stamp | None, record: RunRecord) -> None:
        """Remember a record that was read while its run.json had ``stamp``."""
        if stamp is not None:
            self.kept[name] = (stamp, record)
            self.n_noted += 1

    def save(self) -> None:
        """Write what was noted, where it is worth it. A store that cannot be written to goes without."""
        gone = len(self.rows) - (len(self.kept) - self.n_noted)
        if len(self.kept) < FEWEST_RUNS or not (self.n_noted or gone):
            return
        shared: dict[str, int] = {}
        rows = [_to_row(name, stamp, record, shared) for name, (stamp, record) in self.kept.items()]
        text = ",".join(shared)
        content = f'{{"shape":{json.dumps(_SHAPE)},"shared":[{text}],"rows":{json.dumps(rows)}}}'
        with contextlib.suppress(OSError):
            write_atomically(self.file, content)


def stamp_of(store: Path, name: str) -> Stamp | None:
    """What changes whenever the run.json of ``name`` does; None where there is none, or it is too fresh to tell."""
    try:
        status = os.stat(f"{store}/{name}/{RECORD}")  # noqa: PTH116 - a Path for each of thousands takes longer
    except OSError:
        return None
    if status.st_ctime > time.time() - SETTLED_SECONDS:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


_SHARED = ("data", "versions", "command")
_OWN = tuple(
    sorted({"format", *(each.name for each in dataclasses.fields(RunRecord))} - {"run_id", "recipe", *_SHARED})
)
"""What each row has of its own, beside the run's id, in this order."""
_SHAPE = [2, FORMAT, *_OWN]
"""An index of another shape was written by another maskwise."""


def _to_row(name: str, stamp: Stamp, record: RunRecord, shared: dict[str, int]) -> list[Any]:
    def place(value: Any) -> int:
        return shared.setdefault(json.dumps(value, separators=(",", ":")), len(shared))

    fields = record.to_dict()
    recipe = fields["recipe"]
    sections = [place(list(recipe)), *map(place, recipe.values())]
    return [
        name,
        stamp,
        record.run_id,
        [place(fields[each]) for each in _SHARED],
        sections,
        [fields[each] for each in _OWN],
    ]


def _from_row(row: list[Any], shared: list[Any]) -> dict[str, Any]:
    """What ``RunRecord.from_dict`` takes."""
    _, _, run_id, places, (heads, *sections), own = row
    fields = dict(zip(_OWN, own, strict=True))
    fields.update(zip(_SHARED, [shared[place] for place in places], strict=True))
    fields["run_id"] = run_id
    fields["recipe"] = dict(zip(shared[heads], [shared[place] for place in sections], strict=True))
    return fields
