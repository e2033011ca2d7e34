"""Finished runs from one store to another, checked file by file; what is there is never replaced.

A run appears in the other store as a whole. What an interrupted copy left lies in a hidden folder beside the runs: the
next one goes on with it. Tags and notes of a run that both stores have are joined.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import StoreError, must
from maskwise.files import (
    BusyError,
    is_inner,
    refuse_unwritable,
    sha256_of,
    sync_folder,
    temporary_prefix,
    write_atomically,
)
from maskwise.store.kept_files import checksums_of
from maskwise.store.layout import MARKS, RECORD
from maskwise.store.marks import join_marks
from maskwise.store.runs import StoredRun, list_runs, read_record

_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class CopiedRuns:
    """What a copy did."""

    copied: tuple[StoredRun, ...]
    """As they lie in the other store now."""
    there: int
    """So many were there already."""
    unfinished: int
    """So many are not finished, and stay where they are."""
    problems: tuple[str, ...]
    """A line for each run that was not copied, as the other store has a different one."""


def copy_runs(
    source: Path, target: Path, on_run: Callable[[StoredRun], None], only: Sequence[str] | None = None
) -> CopiedRuns:
    """Copy the finished runs of ``source``, or those with the ids ``only``, that ``target`` has not.

    ``StoreError`` where a file is not as its run wrote it, and where another process copies the same run.
    """
    if source.resolve() == target.resolve():
        raise StoreError(must("the other store", "another folder", str(target), "Name the one to copy from or to."))
    refuse_unwritable(target)
    runs = [run for run in reversed(list_runs(source).runs) if only is None or run.record.run_id in only]
    finished = [run for run in runs if run.record.status == "finished"]
    copied, problems = list[StoredRun](), list[str]()
    for run in finished:
        folder = target / run.record.run_id
        if not folder.exists():
            on_run(run)
            _copy(run, folder)
            copied.append(StoredRun(folder, run.record))
        elif _is_same(run, folder):
            join_marks(run.folder, folder)
        else:
            rule = "the same in both stores, or in one only"
            remedy = "Both stay; delete one to copy the other."
            problems.append(must(f"run {run.record.run_id} ({run.record.name})", rule, f"another in {target}", remedy))
    there = len(finished) - len(copied) - len(problems)
    return CopiedRuns(tuple(copied), there, len(runs) - len(finished), tuple(problems))


def _is_same(run: StoredRun, folder: Path) -> bool:
    """Runs of versions without checksums are compared by what they hold."""
    other = read_record(folder)
    if other.status != "finished":
        return False
    return _checksums(run) == _checksums(StoredRun(folder, other))


def _checksums(run: StoredRun) -> dict[str, str]:
    """SHA-256 by the file's name. ``StoreError`` for a name that leads out of the run, in a store from elsewhere."""
    for name in run.record.checksums:
        if not is_inner(name):
            rule, remedy = "those of files of the run", "Do not copy it."
            raise StoreError(must(f"checksums of run {run.record.run_id}", rule, name, remedy))
    return dict(run.record.checksums) or checksums_of(run.folder)


def _copy(run: StoredRun, folder: Path) -> None:
    draft = folder.with_name(f"{temporary_prefix(folder)}copy")
    draft.mkdir(parents=True, exist_ok=True)
    handle = os.open(draft, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            got = f"one that another process copies, or a disk without locks ({error.strerror})"
            raise BusyError(must(f"run {folder.name}", "free to copy", got, "Wait for it.")) from None
        for name, expected in _checksums(run).items():
            _copy_file(run.folder / name, draft / name, expected)
        write_atomically(draft / RECORD, (run.folder / RECORD).read_bytes())
        if (run.folder / MARKS).exists():
            write_atomically(draft / MARKS, (run.folder / MARKS).read_bytes())
        draft.rename(folder)
        sync_folder(folder.parent)
    finally:
        os.close(handle)


def _copy_file(source: Path, target: Path, expected: str) -> None:
    """Unless it is there; a part of one is written anew."""
    if target.is_file() and sha256_of(target) == expected:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        reading = source.open("rb")
    except OSError as error:
        raise StoreError(must(str(source), "readable", str(error.strerror), "Bring it back from a copy.")) from None
    with reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK_BYTES):
            digest.update(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    if digest.hexdigest() != expected:
        target.unlink()
        remedy = "Bring the file back from a copy, or train the run again with --force."
        raise StoreError(must(str(source), "as the run wrote it", "another checksum", remedy))
