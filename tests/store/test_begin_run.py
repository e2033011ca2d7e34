"""A run's folder before it trains: its place in time, whatever the clock says."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.store.begin_run import after_namesakes, open_run
from maskwise.store.find_run import find_run
from maskwise.store.runs import read_record
from store.conftest import FinishedRun, MakeRecord


@pytest.mark.parametrize("clock", ["2024-12-31T00:00:00Z", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"])
def test_a_name_means_the_run_begun_last_also_where_the_clock_was_set(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun, clock: str
) -> None:
    finished_run(tmp_path, "baseline", 0, created_utc="2025-01-01T00:00:00Z")
    later = after_namesakes(tmp_path, make_record("baseline", 1, created_utc=clock))
    assert later.created > read_record(find_run(tmp_path, "baseline")).created
    last = finished_run(tmp_path, "baseline", 1, created_utc=later.created_utc)
    assert find_run(tmp_path, "baseline") == last


def test_runs_of_other_names_move_no_clock(tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun) -> None:
    finished_run(tmp_path, "other", 0, created_utc="2025-01-01T00:00:00Z")
    record = make_record("baseline", 1, created_utc="2024-12-31T00:00:00Z")
    assert after_namesakes(tmp_path, record) == record
    folder = open_run(tmp_path, record, resume_only=False, force=False)
    assert read_record(folder) == record
