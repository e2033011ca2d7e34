"""Files are whole or not there; locks refuse and go with their process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.files import (
    draft_folder,
    is_inner,
    locked,
    parse_json,
    refuse_overwrite,
    sealed,
    temporary_prefix,
    unsealed,
    write_atomically,
)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.json"
    write_atomically(path, "old")

    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["scores.json"]


def test_order_is_write_flush_sync_rename_sync_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    sync, rename = os.fsync, Path.replace

    def spy_sync(handle: int) -> None:
        calls.append("sync")
        sync(handle)

    def spy_rename(self: Path, target: Path) -> Path:
        calls.append("rename" if self.parent == target.parent else "rename across folders")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", spy_sync)
    monkeypatch.setattr(Path, "replace", spy_rename)
    write_atomically(tmp_path / "file", b"data")
    assert calls == ["sync", "rename", "sync"]


def test_nothing_is_replaced_without_force(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    refuse_overwrite(path, force=False)
    path.write_text("mine")
    with pytest.raises(StoreError, match="--force"):
        refuse_overwrite(path, force=False)
    refuse_overwrite(path, force=True)
    assert path.read_text() == "mine"


def test_a_lock_refuses_a_second_holder_and_dies_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from maskwise.files import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="somebody trains"), locked(lock, busy="somebody trains here"):
            pass
        holder.kill()
    with locked(lock, busy="free again"):
        assert lock.exists()


def test_the_next_write_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    left = tmp_path / f"{temporary_prefix(target)}abc"
    other = tmp_path / f"{temporary_prefix(tmp_path / 'other')}abc"
    for path in (left, other):
        path.write_text("half")
    write_atomically(target, "whole")
    assert sorted(tmp_path.iterdir()) == sorted([target, other])


def test_a_file_that_another_process_is_writing_stays(tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    used = tmp_path / f"{temporary_prefix(target)}abc"
    with used.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_atomically(target, "whole")
        assert used.exists()
    write_atomically(target, "whole again")
    assert not used.exists()


def test_a_draft_folder_is_renamed_or_gone(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    (tmp_path / f"{temporary_prefix(target)}old").mkdir()
    with contextlib.suppress(RuntimeError), draft_folder(target) as draft:
        (draft / "file").write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with draft_folder(target) as draft:
        (draft / "file").write_text("whole")
        draft.rename(target)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_bytes_that_are_no_utf8_are_escaped_in_text_and_read_back_from_json(tmp_path: Path) -> None:
    name = "\udcbb.jpg"
    write_atomically(tmp_path / "page.json", json.dumps({"photo": name}, ensure_ascii=False))
    assert (tmp_path / "page.json").read_bytes() == rb'{"photo": "\udcbb.jpg"}'
    assert json.loads((tmp_path / "page.json").read_bytes())["photo"] == name


def test_every_bit_of_a_sealed_text_counts() -> None:
    text = json.dumps({"a": 1, "b": [0.5, "마스크"]}, indent=1)
    whole = sealed(text).encode()
    assert json.loads(unsealed(whole) or b"") == json.loads(text)
    assert json.loads(whole).keys() == {"a", "b", "seal"}
    for place in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        left = unsealed(bytes(damaged))
        try:
            read = json.loads(left or b"")
        except ValueError:
            continue
        assert "seal" not in read
        assert read.keys() != {"a", "b"}, place  # a key is there that no reader knows
    assert unsealed(text.encode()) == text.encode()  # of earlier versions


@pytest.mark.parametrize("text", ["[" * 200_000, b"{" * 10, '{"a": ', b"\xff"])
def test_json_of_any_kind_that_cannot_be_read_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_names_that_lead_out_of_a_folder() -> None:
    for name in ("../a", "/a", "a/../../b", "a//b", ".", "", "a\\b", "C:a", "a\nb"):
        assert not is_inner(name)
    assert is_inner("fold-0/weights.safetensors")
