"""Rows in one file: found again, cut, of a cache that cannot keep anything, and never those of another key."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.data.row_file import open_rows
from maskwise.errors import StoreError
from maskwise.files import locked
from maskwise.seen_files import FILE, SeenFiles, no_note


def row(value: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.full(10, value, dtype=np.uint8)


def append(cache: Path, notes: list[str] | None = None, **values: int) -> dict[str, int]:
    """Add rows; the first byte of every row by its key afterwards."""
    note = no_note if notes is None else notes.append
    with open_rows(cache, "settings", "rows.u8", 10, note) as rows:
        rows.append({key: row(value) for key, value in values.items()})
        data = rows.file.read_bytes()
        return {key: data[10 * place] for key, place in rows.row_of.items()}


def test_rows_are_found_again_and_never_written_twice(tmp_path: Path) -> None:
    assert append(tmp_path, a=1, b=2) == {"a": 1, "b": 2}
    assert append(tmp_path, b=9, c=3) == {"a": 1, "b": 2, "c": 3}
    assert next(tmp_path.glob("*/settings.json")).read_text() == "settings"


def test_a_key_whose_row_was_cut_off_never_comes_back_with_another_row(tmp_path: Path) -> None:
    append(tmp_path, a=1, b=2)
    os.truncate(next(tmp_path.glob("*/rows.u8")), 15)
    assert append(tmp_path, c=3) == {"a": 1, "c": 3}
    assert append(tmp_path) == {"a": 1, "c": 3}
    assert append(tmp_path, b=2) == {"a": 1, "b": 2, "c": 3}


def test_readers_of_a_forgotten_file_keep_it(tmp_path: Path) -> None:
    append(tmp_path, a=1)
    with next(tmp_path.glob("*/rows.u8")).open("rb") as reader:
        (tmp_path / FILE).unlink()
        assert append(tmp_path, b=2) == {"b": 2}
        assert reader.read() == bytes(row(1))


def test_a_cache_that_keeps_nothing_costs_one_note(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    notes: list[str] = []
    assert append(tmp_path / "cache", notes, a=1, b=2) == {"a": 1, "b": 2}
    assert len(notes) == 1
    assert "cannot keep anything" in notes[0]


def test_a_disk_without_locks_costs_one_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    notes: list[str] = []
    assert append(tmp_path, notes, a=1) == {"a": 1}
    assert [("cannot keep anything" in note, "no locks" in note) for note in notes] == [(True, True)]
    with pytest.raises(StoreError, match="keeps locks"), locked(tmp_path / "lock"):
        pass


def test_rows_of_which_nobody_else_would_know_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path, a=1)
    monkeypatch.setattr(SeenFiles, "put", lambda *_: False)
    with pytest.raises(StoreError, match=FILE):
        append(tmp_path, b=2)


_KEYS = st.sampled_from("abcdefgh")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sets(_KEYS, min_size=1)),
        st.tuples(st.just("cut"), st.integers(0, 90)),
        st.tuples(st.just("forget the index"), st.none()),
    ),
    max_size=12,
)


@given(steps=_STEPS)
@settings(max_examples=30)
def test_whatever_is_done_to_it_a_key_has_its_own_row(steps: list[tuple[str, Any]]) -> None:
    """Against a plain model: a dictionary that loses what was cut off."""
    value_of = {key: ord(key) for key in "abcdefgh"}
    kept: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        for what, how in steps:
            files = list(cache.glob("*/rows.u8"))
            if what == "add":
                kept += sorted(how - {*kept})
                assert append(cache, None, **{key: value_of[key] for key in sorted(how)}) == {
                    k: value_of[k] for k in kept
                }
            elif what == "cut" and files:
                size = min(how, files[0].stat().st_size)
                os.truncate(files[0], size)
                kept = kept[: size // 10]
            elif what == "forget the index" and files:
                (cache / FILE).unlink(missing_ok=True)
                kept = []
        assert append(cache) == {key: value_of[key] for key in kept} if list(cache.glob("*/rows.u8")) else not kept
