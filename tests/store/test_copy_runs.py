"""Runs between stores: copied whole and checked, joined on one board, never replaced."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwise.errors import CheckFailedError, StoreError
from maskwise.files import sha256_of, temporary_prefix
from maskwise.store import copy_runs as copying
from maskwise.store.board import read_board
from maskwise.store.copy_runs import copy_runs
from maskwise.store.kept_files import checksums_of
from maskwise.store.layout import RECORD, SCORES
from maskwise.store.marks import mark_run, read_marks
from maskwise.store.runs import list_runs
from store.conftest import FinishedRun

Cli = Callable[..., str]


@pytest.fixture
def stores(tmp_path: Path, finished_run: FinishedRun) -> tuple[Path, Path]:
    """Two stores of two runs each, one of which both have."""
    here, there = tmp_path / "here", tmp_path / "there"
    finished_run(here, "first", 0)
    finished_run(here, "second", 1)
    finished_run(there, "third", 2)
    copy_runs(here, there, print, [list_runs(here).runs[0].record.run_id])
    return here, there


def names(store: Path) -> set[str]:
    return {row.record.name for row in read_board(store).rows}


def test_two_stores_joined_show_one_board(stores: tuple[Path, Path], cli: Cli) -> None:
    here, there = stores
    assert len(names(here) | names(there)) == 3
    printed = cli("store", "pull", str(there), "--store", str(here))
    assert printed == f"1 runs copied to {here}, 1 were there\n"
    assert names(here) == {"first", "second", "third"}
    for run in list_runs(here).runs:
        assert checksums_of(run.folder) == run.record.checksums
    again = json.loads(cli("store", "push", str(there), "--store", str(here), "--json"))
    assert (len(again["copied"]), again["there"], again["problems"]) == (1, 2, [])
    assert names(there) == names(here)


def test_a_different_run_of_the_same_id_stays_and_is_named(stores: tuple[Path, Path], cli: Cli) -> None:
    here, there = stores
    (shared,) = {run.folder.name for run in list_runs(here).runs} & {run.folder.name for run in list_runs(there).runs}
    record = json.loads((there / shared / RECORD).read_bytes())
    record["checksums"]["scores.json"] = "0" * 64
    (there / shared / RECORD).write_text(json.dumps({key: each for key, each in record.items() if key != "seal"}))
    before = (here / shared / RECORD).read_bytes()
    with pytest.raises(CheckFailedError, match=f"run {shared} .* must be the same in both stores"):
        cli("store", "pull", str(there), "--store", str(here))
    assert (here / shared / RECORD).read_bytes() == before
    assert names(here) == {"first", "second", "third"}  # the others came all the same


def test_an_interrupted_copy_goes_on(
    stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, finished_run: FinishedRun
) -> None:
    here, there = stores
    (run,) = [run for run in list_runs(there).runs if run.record.name == "third"]
    copied: list[str] = []
    whole = copying._copy_file

    def stop_at_third(source: Path, target: Path, expected: str) -> None:
        if len(copied) == 2:
            raise KeyboardInterrupt
        copied.append(source.name)
        whole(source, target, expected)

    monkeypatch.setattr(copying, "_copy_file", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        copy_runs(there, here, print)
    assert not (here / run.folder.name).exists()
    draft = here / f"{temporary_prefix(run.folder)}copy"
    kept = {path: path.stat().st_mtime_ns for path in draft.rglob("*") if path.is_file()}
    assert len(kept) == 2
    monkeypatch.setattr(copying, "_copy_file", whole)
    assert [each.record.name for each in copy_runs(there, here, print).copied] == ["third"]
    moved = {here / run.folder.name / path.relative_to(draft): time for path, time in kept.items()}
    assert {path: path.stat().st_mtime_ns for path in moved} == moved
    assert not draft.exists()


def test_a_damaged_file_is_not_copied(stores: tuple[Path, Path]) -> None:
    here, there = stores
    (run,) = [run for run in list_runs(there).runs if run.record.name == "third"]
    (run.folder / SCORES).write_text("{}")
    with pytest.raises(StoreError, match=r"scores\.json must be .*, got 'another checksum'"):
        copy_runs(there, here, print)
    assert not (here / run.folder.name).exists()


def test_a_store_from_elsewhere_writes_nothing_beside_the_run(stores: tuple[Path, Path]) -> None:
    here, there = stores
    (run,) = [run for run in list_runs(there).runs if run.record.name == "third"]
    (there.parent / "evil").write_text("x")
    checksums = {**run.record.checksums, "../../evil": sha256_of(there.parent / "evil")}
    (run.folder / RECORD).write_text(dataclasses.replace(run.record, checksums=checksums).to_json())
    inner = here.parent / "deeper" / "store"
    with pytest.raises(StoreError, match=r"must be those of files of the run, got '\.\./\.\./evil'"):
        copy_runs(there, inner, print)
    assert not list(inner.parent.rglob("evil"))


def test_tags_and_notes_are_joined_by_time(stores: tuple[Path, Path]) -> None:
    here, there = stores
    (shared,) = {run.folder.name for run in list_runs(here).runs} & {run.folder.name for run in list_runs(there).runs}
    mark_run(here / shared, ["kept"], note="first")
    copy_runs(here, there, print)
    mark_run(there / shared, ["other"], ["kept"])
    mark_run(here / shared, note="second")
    copy_runs(there, here, print)
    copy_runs(here, there, print)
    marks = read_marks(here / shared, shared)
    assert marks == read_marks(there / shared, shared)
    assert (marks.tags, [note.text for note in marks.notes]) == (("other",), ["first", "second"])


def test_unfinished_runs_stay_where_they_are(stores: tuple[Path, Path], tmp_path: Path) -> None:
    here, there = stores
    (run,) = [run for run in list_runs(there).runs if run.record.name == "third"]
    record = json.loads((run.folder / RECORD).read_bytes())
    record.update(status="running", checksums={}, scores=None)
    (run.folder / RECORD).write_text(json.dumps({key: each for key, each in record.items() if key != "seal"}))
    done = copy_runs(there, here, print)
    assert (len(done.copied), done.there, done.unfinished) == (0, 1, 1)
    shutil.rmtree(there)
    with pytest.raises(StoreError, match="the other store must be another folder"):
        copy_runs(here, here, print)
