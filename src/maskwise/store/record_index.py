"""What all run.json files of a store said when they were last read, in one file, as opening thousands takes a while.

``.records-index`` in the store may be deleted at any time. A run is read from it only while its run.json is the very
file that was read, by size, inode and times; one that changed a moment ago is read anew. Settings that many recipes
share stand there once, and so do data sets, versions and commands; the names of fields are not repeated. Its first
line has a checksum of the rest, so what it says was checked when the run.json was read, and need not be again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from maskwise.files import write_atomically
from maskwise.store.layout import RECORD
from maskwise.store.run_record import FORMAT, RunData, RunRecord, data_from_dict, summary_from_dict

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
    shared: _Shared = field(default_factory=lambda: _Shared([]))
    kept: dict[str, tuple[Stamp, RunRecord]] = field(default_factory=dict)
    """What is asked for or noted now: what ``save`` writes."""
    n_noted: int = 0

    @classmethod
    def load(cls, store: Path) -> RecordIndex:
        """The index of ``store``; an empty one where there is none, or one that cannot be used."""
        file = store / INDEX
        try:
            head, _, body = file.read_bytes().partition(b"\n")
            if json.loads(head) != [_SHAPE, _checksum(body)]:
                return cls(file)
            content = from_json(body)  # three times as fast as json, and typer has imported it already
            return cls(file, {row[0]: row for row in content["rows"]}, _Shared(content["shared"]))
        except (OSError, ValueError):
            return cls(file)

    def record(self, name: str, stamp: Stamp | None) -> RunRecord | None:
        """The record of the run in the folder ``name``; None unless its run.json had this very stamp."""
        row = self.rows.get(name)
        if stamp is None or row is None or tuple(row[1]) != stamp:
            return None
        record = _from_row(row, self.shared)
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
        body = f'{{"shared":[{",".join(shared)}],"rows":{json.dumps(rows)}}}'.encode()
        head = json.dumps([_SHAPE, _checksum(body)]).encode()
        with contextlib.suppress(OSError):
            write_atomically(self.file, head + b"\n" + body)


def stamp_of(store: Path, name: str) -> Stamp | None:
    """What changes whenever the run.json of ``name`` does; None where there is none, or it is too fresh to tell."""
    try:
        status = os.stat(f"{store}/{name}/{RECORD}")  # noqa: PTH116 - a Path for each of thousands takes longer
    except OSError:
        return None
    if status.st_ctime > time.time() - SETTLED_SECONDS:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


_APART = {"recipe", "data", "versions", "command", "scores"}
_OWN = tuple(each.name for each in dataclasses.fields(RunRecord) if each.name not in _APART)
"""What each row has of its own and as it is, in this order."""
_SHAPE = [2, FORMAT, *_OWN]
"""An index of another shape was written by another maskwise."""


@dataclass
class _Shared:
    """Values that rows name by their place."""

    values: list[Any]
    data: dict[int, RunData] = field(default_factory=dict)
    """The data sets among them, by place, as far as one was asked for."""

    def data_at(self, place: int) -> RunData:
        if place not in self.data:
            self.data[place] = data_from_dict(self.values[place])
        return self.data[place]


def _checksum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _to_row(name: str, stamp: Stamp, record: RunRecord, shared: dict[str, int]) -> list[Any]:
    def place(value: Any) -> int:
        return shared.setdefault(json.dumps(value, separators=(",", ":")), len(shared))

    fields = record.to_dict()
    recipe = fields["recipe"]
    sections = [place(list(recipe)), *map(place, recipe.values())]
    apart = [place(fields["data"]), place(fields["versions"]), place(fields["command"]), fields["scores"], sections]
    return [name, stamp, apart, [fields[each] for each in _OWN]]


def _from_row(row: list[Any], shared: _Shared) -> RunRecord:
    _, _, (data, versions, command, scores, (heads, *sections)), own = row
    values = shared.values
    return RunRecord.as_checked(
        dict(zip(_OWN, own, strict=True)),
        recipe=dict(zip(values[heads], [values[place] for place in sections], strict=True)),
        data=shared.data_at(data),
        versions=values[versions],
        command=tuple(values[command]),
        scores=None if scores is None else summary_from_dict(scores),
    )
