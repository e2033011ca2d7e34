"""A run that was trained on everybody: finished without scores, which no other run may be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import read_record, refuse_unscored
from maskwise.store.write_runs import finish_unscored_run, start_run
from store.conftest import FinishedRun, MakeRecord, write_training_files

EVERYONE = {"split": {"kind": "everyone"}}


def begun(store: Path, record: RunRecord) -> Path:
    folder = start_run(store, record)
    write_training_files(folder, record.folds)
    return folder


def test_it_is_finished_once_whole_and_survives_being_written(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record("all", recipe=EVERYONE, folds=1)
    with pytest.raises(StoreError, match="whole before it is finished"):
        finish_unscored_run(start_run(tmp_path / "bare", record), record, seconds=5.0)
    folder = begun(tmp_path, record)
    finished = finish_unscored_run(folder, record, seconds=5.0)
    assert (finished.status, finished.seconds, finished.scores) == ("finished", 5.0, None)
    assert read_record(folder) == finished
    with pytest.raises(StoreError, match="unfinished run"):
        finish_unscored_run(folder, record, seconds=5.0)


def test_no_other_run_is_finished_without_scores(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record("held out", folds=1)
    with pytest.raises(StoreError, match="must have scores"):
        finish_unscored_run(begun(tmp_path, record), record, seconds=5.0)
    assert read_record(tmp_path / record.run_id).status == "running"


def test_it_cannot_have_scores(tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun) -> None:
    scored = read_record(finished_run(tmp_path))
    with pytest.raises(StoreError, match="must have no scores"):
        dataclasses.replace(scored, recipe=EVERYONE)


def test_all_that_hold_nobody_out_are_named(make_record: MakeRecord) -> None:
    refuse_unscored([make_record("a"), make_record("b")])
    with pytest.raises(StoreError) as caught:
        refuse_unscored([make_record("a"), *(make_record(name, recipe=EVERYONE) for name in ("b", "c"))])
    assert [problem.split("(")[1].split(")")[0] for problem in caught.value.problems] == ["b", "c"]
