"""Rows of equal length in one file, each found by a key; only ever appended.

    <folder>/<name>     the rows
    <folder>/index      16 bytes a row: its key
    <folder>/settings.json    what the rows were made with, for people to read

The index is replaced, whole, after the rows are on the disk: rows beyond the index count for nothing and are written
over by the next one who appends.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.data.contents import CONTENT_BYTES
from maskwise.errors import StoreError, must
from maskwise.files import TEMPORARY_PREFIX, write_atomically


@dataclass
class RowFile:
    """The rows on disk: which key lies where."""

    folder: Path
    name: str
    row_bytes: int
    row_of: dict[str, int]
    """Key (32 hex digits) → number of its row."""

    @classmethod
    def open(cls, folder: Path, name: str, row_bytes: int) -> RowFile:
        """Take up what was made durable before; to be called with the folder's lock held."""
        for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
            leftover.unlink()
        index, rows = folder / "index", folder / name
        keys = index.read_bytes() if index.exists() else b""
        # Someone may have cut the rows short: those that are not whole do not count.
        whole = rows.stat().st_size // row_bytes if rows.exists() else 0
        n_rows = min(len(keys) // CONTENT_BYTES, whole)
        text, width = keys.hex(), 2 * CONTENT_BYTES
        return cls(folder, name, row_bytes, {text[k * width : (k + 1) * width]: k for k in range(n_rows)})

    @property
    def file(self) -> Path:
        """The file of the rows."""
        return self.folder / self.name

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Add rows and make them durable: first the rows, then the index. ``StoreError`` when the disk refuses."""
        fresh = {key: row for key, row in rows.items() if key not in self.row_of}
        if not fresh:
            return
        try:
            with open(self.file, "ab") as file:  # noqa: PTH123 - spelt as the modes are thought of
                file.truncate(len(self.row_of) * self.row_bytes)
                for row in fresh.values():
                    file.write(np.ascontiguousarray(row).data)
                file.flush()
                os.fsync(file.fileno())
            keys = bytes.fromhex("".join([*self.row_of, *fresh]))
            write_atomically(self.folder / "index", keys)
        except OSError as error:
            raise _refused(self.folder, error) from error
        for key in fresh:
            self.row_of[key] = len(self.row_of)


def describe(folder: Path, told: str) -> None:
    """Say in ``settings.json`` what the rows were made with; to be called with the folder's lock held.

    Without it another process's temporary file would be taken for what a killed one left behind.
    """
    try:
        if not (folder / "settings.json").exists():
            write_atomically(folder / "settings.json", told)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> StoreError:
    got = error.strerror or "an error"
    return StoreError(must(str(folder), "writable", got, "Make room, or name another cache."))
