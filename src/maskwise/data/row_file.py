"""Rows of equal length in one file, each found by a key; only ever appended.

    <folder>/<name>           the rows
    <folder>/settings.json    what the rows were made with, for people to read

Which key lies in which row stands in ``seen.sqlite`` beside the folder, with a checksum of each row, and is written
after the rows are on the disk: rows beyond it count for nothing and are written over by the next one who appends.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import hashlib
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import StoreError, must
from maskwise.files import TEMPORARY_PREFIX, locked, write_atomically
from maskwise.seen_files import SeenFiles

_PLACE = struct.Struct("<QI")
"""The number of a row, and CRC-32 of its bytes."""
_PLACES = np.dtype([("row", "<u8"), ("sum", "<u4")])
"""The same of many rows; to unpack them one by one takes longer than to read them."""


@contextlib.contextmanager
def open_rows(cache: Path, made_with: str, name: str, row_bytes: int, note: Callable[[str], None]) -> Iterator[RowFile]:
    """The rows below ``cache`` that were made with the same settings, locked against other builders.

    Where nothing can be kept there (no rights, no locks), the rows lie in a folder of this process alone, which goes
    with it, and a note says so. ``StoreError`` when the disk is full.
    """
    folder = cache / hashlib.blake2b(made_with.encode(), digest_size=8).hexdigest()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / "lock"))
            rows = RowFile.open(folder, made_with, name, row_bytes, note)
        except (OSError, StoreError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise _refused(folder, error) from error
            reason = error.strerror if isinstance(error, OSError) else "no locks"
            rows = RowFile(Path(tempfile.mkdtemp(prefix="maskwise-rows-")), name, row_bytes, None)
            atexit.register(shutil.rmtree, rows.folder, ignore_errors=True)
            note(f"{cache} cannot keep anything ({reason}): this run has its own rows in {rows.folder}")
        yield rows


@dataclass
class RowFile:
    """The rows on disk: which key lies where."""

    folder: Path
    name: str
    row_bytes: int
    index: SeenFiles | None
    """None where nothing is kept beyond this process."""
    row_of: dict[str, int] = field(default_factory=dict)
    """Key (32 hex digits) → number of its row."""
    sum_of: dict[str, int] = field(default_factory=dict)
    """Key → CRC-32 of its row."""

    @classmethod
    def open(cls, folder: Path, made_with: str, name: str, row_bytes: int, note: Callable[[str], None]) -> RowFile:
        """Take up what was made durable before, with the folder's lock held. ``OSError`` where nothing can be kept."""
        # Only now: without the lock another process's temporary file would be taken for what a killed one left behind.
        if not (folder / "settings.json").exists():
            write_atomically(folder / "settings.json", made_with)
        index = SeenFiles(folder.parent, f"rows of {folder.name}/{name}", note)
        if not index.is_writable():
            raise OSError(errno.ENOLCK, f"{index.file.name} is of no use")
        for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
            leftover.unlink()
        rows, places = folder / name, index.all()
        # Someone may have cut the rows short: those that are not whole do not count, and others take their place.
        whole = rows.stat().st_size // row_bytes if rows.exists() else 0
        place_N = np.frombuffer(b"".join(places.values()), _PLACES)
        row_of, sum_of = (dict(zip(places, place_N[field].tolist(), strict=True)) for field in ("row", "sum"))
        torn = [key for key, row in row_of.items() if row >= whole]
        if torn:
            index.forget(torn)
        for key in torn:
            del row_of[key], sum_of[key]
        return cls(folder, name, row_bytes, index, row_of, sum_of)

    @property
    def file(self) -> Path:
        """The file of the rows."""
        return self.folder / self.name

    @property
    def n_rows(self) -> int:
        """How many rows count."""
        return max(self.row_of.values(), default=-1) + 1

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Add rows and make them durable: first the rows, then the index. ``StoreError`` when the disk refuses."""
        fresh = {key: np.ascontiguousarray(row).data for key, row in rows.items() if key not in self.row_of}
        if not fresh:
            return
        first = self.n_rows
        try:
            if not first:
                # Another process may still read a file whose index was deleted: it keeps the one that it has open.
                self.file.unlink(missing_ok=True)
            with open(self.file, "ab") as file:  # noqa: PTH123 - spelled as the modes are thought of
                file.truncate(first * self.row_bytes)
                for row in fresh.values():
                    file.write(row)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(self.folder, error) from error
        for number, (key, row) in enumerate(fresh.items(), first):
            self.row_of[key], self.sum_of[key] = number, zlib.crc32(row)
        places = {key: _PLACE.pack(self.row_of[key], self.sum_of[key]) for key in fresh}
        if self.index is not None and not self.index.put(places):
            # Rows that nobody else knows of would be written over while they are read.
            raise StoreError(must(str(self.index.file), "writable", "a refusal", "Make room, or name another cache."))


def damaged_rows(file: Path, got: str) -> StoreError:
    """Of rows that are not as they were kept."""
    return StoreError(must(str(file), "as it was written", got, "Delete its folder; it is made anew."))


def _refused(folder: Path, error: OSError) -> StoreError:
    got = error.strerror or "an error"
    return StoreError(must(str(folder), "writable", got, "Make room, or name another cache."))
