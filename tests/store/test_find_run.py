from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.store.find_run import find_run
from maskwise.store.layout import RECORD
from maskwise.store.write_runs import start_run
from store.conftest import FinishedRun, MakeRecord


def test_by_id_prefix_name_and_path(tmp_path: Path, finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finished_run(tmp_path / "runs", "baseline")
    finished_run(tmp_path / "runs", "focal")
    for ref in (folder.name, folder.name[:4], "baseline", str(folder), f"{folder}/"):
        assert find_run(tmp_path / "runs", ref) == folder
    monkeypatch.chdir(tmp_path)
    assert find_run(Path("elsewhere"), f"runs/{folder.name}").resolve() == folder


def test_a_name_means_its_newest_finished_run(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun
) -> None:
    finished_run(tmp_path, "baseline", 0, created_utc="2025-01-01T00:00:00Z")
    newest = finished_run(tmp_path, "baseline", 1, created_utc="2025-01-03T00:00:00Z")
    finished_run(tmp_path, "baseline", 2, created_utc="2025-01-02T00:00:00Z")
    start_run(tmp_path, make_record("baseline", 3, created_utc="2025-01-04T00:00:00Z"))
    assert find_run(tmp_path, "baseline") == newest


def test_a_name_without_a_finished_run_says_so(tmp_path: Path, make_record: MakeRecord) -> None:
    folder = start_run(tmp_path, make_record("baseline"))
    with pytest.raises(StoreError, match=rf"none that is \({folder.name}"):
        find_run(tmp_path, "baseline")
    assert find_run(tmp_path, folder.name) == folder


def test_a_name_that_looks_like_a_prefix_is_a_name(tmp_path: Path, finished_run: FinishedRun) -> None:
    finished_run(tmp_path, "other", run_id="beef00000000")
    named = finished_run(tmp_path, "beef", run_id="123400000000")
    assert find_run(tmp_path, "beef") == named


def test_a_prefix_must_fit_one_run_and_have_four_digits(tmp_path: Path, make_record: MakeRecord) -> None:
    start_run(tmp_path, make_record("a", run_id="abcd00000001"))
    start_run(tmp_path, make_record("b", run_id="abcd00000002"))
    with pytest.raises(StoreError, match=r"'abcd', which fits abcd0000000\d \(\w\), abcd0000000\d"):
        find_run(tmp_path, "abcd")
    with pytest.raises(StoreError, match="at least 4 digits"):
        find_run(tmp_path, "abc")
    assert find_run(tmp_path, "abcd00000001").name == "abcd00000001"


@pytest.mark.parametrize(
    ("ref", "way_out"),
    [
        ("baselin", r"Did you mean baseline\?"),
        ("zzz", r"The newest runs of .* are .*\(baseline\)"),
        ("", "The newest runs"),
        ("no/such/folder", "The newest runs"),
        ("..", "The newest runs"),
    ],
)
def test_what_is_not_there_is_reported_with_a_way_out(
    tmp_path: Path, finished_run: FinishedRun, ref: str, way_out: str
) -> None:
    finished_run(tmp_path)
    with pytest.raises(StoreError, match=way_out):
        find_run(tmp_path, ref)


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no runs yet"):
        find_run(tmp_path, "baseline")


def test_an_unreadable_run_is_named_where_nothing_fits(tmp_path: Path, finished_run: FinishedRun) -> None:
    finished_run(tmp_path, "other")
    folder = finished_run(tmp_path, "baseline")
    (folder / RECORD).write_text("")
    with pytest.raises(StoreError, match="must be an id") as caught:
        find_run(tmp_path, "baseline")
    assert str(folder / RECORD) in caught.value.problems[1]


def test_a_damaged_record_that_may_be_newer_is_said_where_a_name_is_looked_up(
    tmp_path: Path, finished_run: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    older = finished_run(tmp_path, "baseline", 0, created_utc="2025-01-01T00:00:00Z")
    newest = finished_run(tmp_path, "baseline", 1, created_utc="2025-01-03T00:00:00Z")
    (tmp_path / "notes").mkdir()  # a folder without a record says nothing
    assert find_run(tmp_path, "baseline") == newest
    assert not caplog.records
    data = bytearray((newest / RECORD).read_bytes())
    data[200] ^= 1
    (newest / RECORD).write_bytes(bytes(data))
    assert find_run(tmp_path, "baseline") == older
    (record,) = caplog.records
    line = record.getMessage()
    assert line.startswith(f"damaged: {newest / RECORD}: ")
    assert f"'baseline' means run {older.name}, begun 2025-01-01T00:00:00Z, the newest" in line
    caplog.clear()
    assert find_run(tmp_path, older.name) == older  # an id means that run and no other
    assert not caplog.records


def test_the_command_line_shows_it_on_stderr(tmp_path: Path, finished_run: FinishedRun) -> None:
    older = finished_run(tmp_path, "baseline", 0, created_utc="2025-01-01T00:00:00Z")
    for seed in (1, 2):
        (finished_run(tmp_path, "baseline", seed, created_utc="2025-01-03T00:00:00Z") / RECORD).write_bytes(b"{")
    words = ["tag", "baseline", "--add", "good", "--store", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "maskwise", *words], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("damaged: ")
    assert f"(and 1 more) 'baseline' means run {older.name}" in line
    assert done.stdout.startswith(f"run {older.name}: tags good")
