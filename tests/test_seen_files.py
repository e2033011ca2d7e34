"""What is remembered of files: until they change, between processes, and not at all where that cannot be."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwise import seen_files
from maskwise.seen_files import FILE, SeenFiles, stamp_of


def test_what_was_put_is_found_by_kind_and_key(tmp_path: Path) -> None:
    seen = SeenFiles(tmp_path / "new", "a")
    assert seen.get(["x"]) == {}
    assert not (tmp_path / "new").exists()
    assert seen.put({"x": b"1", "얼굴": b""})
    assert SeenFiles(tmp_path / "new", "a").all() == {"x": b"1", "얼굴": b""}
    assert SeenFiles(tmp_path / "new", "b").all() == {}
    assert seen.put({"x": b"2"})
    assert seen.get(["x", "x", "y"]) == {"x": b"2"}
    assert seen.forget(["x", "y"])
    assert seen.all() == {"얼굴": b""}


def test_thousands_of_keys_at_once(tmp_path: Path) -> None:
    seen = SeenFiles(tmp_path, "a")
    values = {f"{k:032x}": k.to_bytes(4, "big") for k in range(3000)}
    seen.put(values)
    assert seen.get(list(values)) == values


@pytest.mark.parametrize("change", ["time set back", "replaced", "longer", "moved"])
def test_every_change_gives_another_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(seen_files, "SETTLED_SECONDS", 0.0)
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before, status = stamp_of(path), path.stat()
    assert before is not None
    assert before == stamp_of(path) == stamp_of(path, status)
    time.sleep(0.02)
    if change == "time set back":
        path.write_bytes(b"two")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    elif change == "replaced":
        (tmp_path / "b").write_bytes(b"two")
        (tmp_path / "b").replace(path)
    elif change == "longer":
        path.write_bytes(b"three")
    else:
        path = path.rename(tmp_path / "b")
    assert stamp_of(path) != before


def test_a_file_that_changed_a_moment_ago_has_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    assert stamp_of(tmp_path / "a") is None
    with pytest.raises(FileNotFoundError):
        stamp_of(tmp_path / "none")


def test_a_damaged_file_is_made_anew_with_a_note(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(os.urandom(8192))
    notes: list[str] = []
    seen = SeenFiles(tmp_path, "a", notes.append)
    assert seen.all() == {}
    assert seen.put({"x": b"1"})
    assert seen.all() == {"x": b"1"}
    assert len(notes) == 1
    assert FILE in notes[0]


def no_folder(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / "cache").write_text("a file where the folder should be")


def only_readable(root: Path, patch: pytest.MonkeyPatch) -> None:
    raised = sqlite3.OperationalError("attempt to write a readonly database")
    patch.setattr(sqlite3, "connect", refusing(raised))


def no_locks(root: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite3, "connect", refusing(sqlite3.OperationalError("disk I/O error")))


def refusing(error: Exception) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


@pytest.mark.parametrize("trouble", [no_folder, only_readable, no_locks])
def test_where_it_cannot_be_used_the_work_goes_on_with_one_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    trouble(tmp_path, monkeypatch)
    notes: list[str] = []
    for kind in ("a", "b"):
        seen = SeenFiles(tmp_path / "cache", kind, notes.append)
        assert not seen.is_writable()
        assert not seen.put({"x": b"1"})
        assert not seen.forget(["x"])
        assert seen.all() == seen.get(["x"]) == {}
    assert len(notes) == 1
    assert "goes on without it" in notes[0]


def put_many(folder: Path, who: int) -> None:
    for k in range(20):
        assert SeenFiles(folder, f"kind {who % 2}").put({f"{who} {k}": b"x" * 100})


def test_eight_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=put_many, args=(tmp_path, who)) for who in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sum(len(SeenFiles(tmp_path, f"kind {k}").all()) for k in (0, 1)) == 160
