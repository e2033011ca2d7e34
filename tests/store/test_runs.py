from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import RECORD, SCORES
from maskwise.store.runs import list_runs, read_record
from maskwise.store.write_runs import start_run
from store.conftest import FinishedRun, MakeRecord


def test_foreign_and_corrupt_folders_are_skipped_and_reported(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun
) -> None:
    good = finished_run(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("a file is no folder")
    (tmp_path / ".writing-old").mkdir()
    broken = start_run(tmp_path, make_record("broken"))
    (broken / RECORD).write_text((broken / RECORD).read_text()[:50])
    binary = start_run(tmp_path, make_record("binary"))
    (binary / RECORD).write_bytes(b"\xff\xfe")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / RECORD).write_bytes((good / RECORD).read_bytes())
    listing = list_runs(tmp_path)
    assert [run.folder for run in listing.runs] == [good]
    printed = "\n".join(listing.skipped)
    assert len(listing.skipped) == 4
    for name in ("notes", broken.name, binary.name, "copy"):
        assert f"{tmp_path / name}" in printed
    assert "Is it a copy?" in printed
    assert {line.split("/run.json")[0] for line in listing.damaged} == {str(broken), str(binary)}


def test_newest_first_and_an_absent_store_is_empty(tmp_path: Path, make_record: MakeRecord) -> None:
    assert list_runs(tmp_path / "nowhere") == ((), (), ())
    times = ["2025-01-01T00:00:00+00:00", "2025-03-01T00:00:00Z", "2025-02-01T00:00:00+00:00"]
    for seed, created_utc in enumerate(times):
        start_run(tmp_path, make_record(seed=seed, created_utc=created_utc))
    assert [run.record.seed for run in list_runs(tmp_path).runs] == [1, 2, 0]


def test_thousands_of_runs_are_listed_quickly(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun
) -> None:
    whole = read_record(finished_run(tmp_path))
    for seed in range(1, 1001):
        record = dataclasses.replace(whole, run_id=f"{seed:016x}", seed=seed)
        folder = tmp_path / record.run_id
        folder.mkdir()
        (folder / RECORD).write_text(record.to_json())
    started = time.process_time()
    assert len(list_runs(tmp_path).runs) == 1001
    # A tenth of a millisecond each is usual; the bound allows for a slow machine.
    assert time.process_time() - started < 1.0


def test_scores_that_went_missing_are_reported(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    (folder / SCORES).unlink()
    with pytest.raises(StoreError, match=r"scores.json must be there"):
        read_evaluation(folder)
