from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from maskwise.store import record_index, runs
from maskwise.store.layout import record_path
from maskwise.store.record_index import INDEX
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import list_runs
from store.conftest import MakeRecord


@pytest.fixture
def store(tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six runs, some of equal settings, whose files count as settled and are worth an index."""
    monkeypatch.setattr(record_index, "FEWEST_RUNS", 2)
    monkeypatch.setattr(record_index, "SETTLED_SECONDS", -1.0)
    for seed in range(6):
        write(tmp_path, make_record(name=f"run {seed // 2}", seed=seed))
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders whose run.json is opened from now on."""
    names: list[str] = []
    reader = runs.read_record

    def reading(folder: Path) -> RunRecord:
        names.append(folder.name)
        return reader(folder)

    monkeypatch.setattr(runs, "read_record", reading)
    return names


def write(store: Path, record: RunRecord) -> None:
    (store / record.run_id).mkdir(exist_ok=True)
    record_path(store / record.run_id).write_text(record.to_json(), encoding="utf-8")


def test_the_second_listing_opens_no_run_and_says_the_same(store: Path, opened: list[str]) -> None:
    first = list_runs(store)
    assert len(opened) == 6
    assert list_runs(store) == first
    assert len(opened) == 6


def test_a_changed_run_is_seen(store: Path, opened: list[str]) -> None:
    old = list_runs(store).runs[0].record
    opened.clear()
    write(store, dataclasses.replace(old, name="another"))
    found = {run.record.run_id: run.record.name for run in list_runs(store).runs}
    assert found[old.run_id] == "another"
    assert opened == [old.run_id]


def test_a_change_that_keeps_size_and_time_is_seen(store: Path, opened: list[str]) -> None:
    """As a copy with its times does: a new file stands there, and its inode and time of change tell."""
    old = list_runs(store).runs[0].record
    path = record_path(store / old.run_id)
    status = path.stat()
    other = path.with_name("copy")
    other.write_text(path.read_text(encoding="utf-8").replace(f'"{old.name}"', '"run X"'), encoding="utf-8")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert "run X" in {run.record.name for run in list_runs(store).runs}


def test_deleted_and_new_runs_are_seen(store: Path, make_record: MakeRecord, opened: list[str]) -> None:
    gone = list_runs(store).runs[0]
    record_path(gone.folder).unlink()
    gone.folder.rmdir()
    fresh = make_record(name="fresh", seed=99)
    write(store, fresh)
    opened.clear()
    ids = {run.record.run_id for run in list_runs(store).runs}
    assert gone.record.run_id not in ids
    assert fresh.run_id in ids
    assert opened == [fresh.run_id]
    assert gone.record.run_id not in (store / INDEX).read_text(encoding="utf-8")


def test_a_file_that_has_just_changed_is_not_remembered(
    store: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_index, "SETTLED_SECONDS", 3600.0)
    list_runs(store)
    list_runs(store)
    assert len(opened) == 12
    assert not (store / INDEX).exists()


@pytest.mark.parametrize("damage", ["half", "empty", "no line break", "other shape", "another value"])
def test_a_damaged_index_is_made_anew(store: Path, opened: list[str], damage: str) -> None:
    first = list_runs(store)
    opened.clear()
    index = store / INDEX
    text = index.read_text(encoding="utf-8")
    head, _, body = text.partition("\n")
    shape, checksum = json.loads(head)
    damaged = {
        "half": text[: len(text) // 2],
        "empty": "",
        "no line break": head,
        "other shape": json.dumps([[0, *shape[1:]], checksum]) + "\n" + body,
        "another value": head + "\n" + body.replace('"run 1"', '"run 7"'),
    }
    assert damaged[damage] != text
    index.write_text(damaged[damage], encoding="utf-8")
    assert list_runs(store) == first
    assert opened
    opened.clear()
    assert list_runs(store) == first
    assert not opened


def test_unreadable_runs_are_told_every_time(store: Path) -> None:
    path = record_path(list_runs(store).runs[0].folder)
    path.write_text("{}", encoding="utf-8")
    assert len(list_runs(store).skipped) == 1
    again = list_runs(store)
    assert len(again.skipped) == 1
    assert len(again.runs) == 5


def test_a_small_store_has_no_index(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_index, "FEWEST_RUNS", 7)
    list_runs(store)
    assert not (store / INDEX).exists()
