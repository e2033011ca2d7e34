"""What was found in files, remembered until they change: the one home of "need I read this again?".

A folder has one SQLite file, ``seen.sqlite``, with rows of (kind, key, value): contents of photos by ``stamp_of``,
faces by content, rows of the pixel cache, members of tar shards. It only spares work and may be deleted at any time.
Where it cannot be used (no locks, no rights, a full disk, damage) everything is found anew, and one note says so.

It keeps a rollback journal: a write-ahead log needs memory that the hosts of a network disk do not share.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")
FILE = "seen.sqlite"
SETTLED_SECONDS = 2.0
"""A file changed more recently is not remembered: it could change again within one tick of the file system's clock."""
_WAIT_S = 10.0
_AT_ONCE = 500
_TABLE = "CREATE TABLE IF NOT EXISTS seen (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"

_unusable: set[Path] = set()
"""Files that this process could not use: it neither waits for them nor notes them twice."""
_lock = threading.Lock()


def no_note(_: str) -> None:
    """For those who have nobody to report to."""


def stamp_of(path: Path | str, status: os.stat_result | None = None) -> str | None:
    """32 hex digits that change whenever the file at ``path`` is changed or replaced; None while it is too fresh.

    Path, size, inode, and times of change of content and of inode: the latter cannot be set back by a program.
    ``status`` is that of the open file where it is read just now. ``OSError`` where there is none.
    """
    status = os.stat(path) if status is None else status  # noqa: PTH116 - as below
    if status.st_ctime > time.time() - SETTLED_SECONDS:
        return None
    numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    text = f"{os.path.abspath(path)}\0{numbers}"  # noqa: PTH100 - a pure function of text, fast for a million paths
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


class SeenFiles:
    """What ``folder`` remembers of one kind: bytes by text. Safe between threads and processes, and after kills."""

    def __init__(self, folder: Path, kind: str, note: Callable[[str], None] = no_note) -> None:
        self.file, self.kind, self.note = folder / FILE, kind, note

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those of ``keys`` that are known."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, bytes] = {}
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            query = f"SELECT key, value FROM seen WHERE kind = ? AND key IN ({','.join('?' * len(some))})"
            found.update(self._rows(query, (self.kind, *some)))
        return found

    def all(self) -> dict[str, bytes]:
        """Every value of the kind by its key."""
        return self._rows("SELECT key, value FROM seen WHERE kind = ?", (self.kind,))

    def put(self, values: Mapping[str, bytes]) -> bool:
        """Remember ``values``, all or none; False where they cannot be kept."""
        if not values:
            return True
        rows = [(self.kind, key, value) for key, value in values.items()]
        return self._write(lambda database: database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows))

    def forget(self, keys: Iterable[str]) -> bool:
        """Drop the values of ``keys``; False where that cannot be done."""
        rows = [(self.kind, key) for key in keys]
        return self._write(lambda database: database.executemany("DELETE FROM seen WHERE kind = ? AND key = ?", rows))

    def is_writable(self) -> bool:
        """Whether something can be remembered at all."""
        return self._write(lambda database: database.execute("PRAGMA user_version = 1"))

    def _write(self, change: Callable[[sqlite3.Connection], object]) -> bool:
        def write(database: sqlite3.Connection) -> bool:
            with database:
                database.execute("BEGIN IMMEDIATE")
                change(database)
            return True

        return self._use(write, writing=True) or False

    def _rows(self, query: str, values: tuple[str, ...]) -> dict[str, bytes]:
        def read(database: sqlite3.Connection) -> dict[str, bytes]:
            return dict(database.execute(query, values))

        return (self._use(read, writing=False) if self.file.exists() else None) or {}

    def _use(self, work: Callable[[sqlite3.Connection], Made], *, writing: bool) -> Made | None:
        """``work`` on the file; None, and a note, where it cannot be used. A damaged one is made anew."""
        if self.file in _unusable:
            return None
        for again in (False, True):
            try:
                return self._with_database(work, writing=writing)
            except sqlite3.OperationalError as error:
                # There is no table after a process that was killed before it had put anything.
                if "no such table" not in str(error):
                    self._give_up(str(error))
                return None
            except sqlite3.DatabaseError as error:
                if again or not self._throw_away():
                    self._give_up(str(error))
                if again or not writing:
                    return None
            except OSError as error:
                self._give_up(error.strerror or "an error")
                return None
        return None

    def _with_database(self, work: Callable[[sqlite3.Connection], Made], *, writing: bool) -> Made:
        if writing:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.file, timeout=_WAIT_S, isolation_level=None)) as database:
            if writing:
                database.execute(_TABLE)
            return work(database)

    def _throw_away(self) -> bool:
        with _lock:
            try:
                self.file.unlink(missing_ok=True)
                self.file.with_name(f"{FILE}-journal").unlink(missing_ok=True)
            except OSError:
                return False
        self.note(f"damaged: {self.file}; it is made anew")
        return True

    def _give_up(self, reason: str) -> None:
        with _lock:
            first = self.file not in _unusable
            _unusable.add(self.file)
        if first:
            self.note(f"{self.file} cannot be used ({reason}): the work goes on without it")
