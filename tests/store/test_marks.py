from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.store.layout import MARKS
from maskwise.store.marks import NO_MARKS, mark_run, read_marks
from maskwise.store.runs import read_record
from maskwise.store.write_runs import start_run
from store.conftest import FinishedRun, MakeRecord


def test_tags_come_and_go_and_notes_stay(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    record = read_record(folder)
    assert read_marks(folder, record.run_id) == NO_MARKS
    mark_run(folder, add=["paper", "b"], note="first look")
    before = (folder / MARKS).read_text()
    now = mark_run(folder, add=["c"], remove=["b"], note="남은 것")
    assert now.tags == ("c", "paper")
    assert [note.text for note in now.notes] == ["first look", "남은 것"]
    assert now == read_marks(folder, record.run_id)
    assert (folder / MARKS).read_text().startswith(before)
    assert read_record(folder) == record


def test_a_run_in_training_can_be_tagged(tmp_path: Path, make_record: MakeRecord) -> None:
    assert mark_run(start_run(tmp_path, make_record()), add=["trial"]).tags == ("trial",)


def test_nonsense_is_refused_all_together_and_changes_nothing(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    with pytest.raises(StoreError) as caught:
        mark_run(folder, add=["two words", "x"], remove=["x", "unknown"], note=" ")
    assert len(caught.value.problems) == 4
    with pytest.raises(StoreError, match="--add, --remove or --note"):
        mark_run(folder)
    with pytest.raises(StoreError, match="must be a run folder"):
        mark_run(tmp_path / "nowhere", add=["x"])
    assert not (folder / MARKS).exists()


def test_a_broken_line_is_named(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    mark_run(folder, add=["x"])
    with (folder / MARKS).open("a") as file:
        file.write("{}\n")
    with pytest.raises(StoreError, match=r"marks\.jsonl:2 must be an event"):
        read_marks(folder, folder.name)


def test_a_changed_line_is_noticed_and_so_are_marks_of_another_run(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    mark_run(folder, add=["good"])
    line = (folder / MARKS).read_text()
    with pytest.raises(StoreError, match=r"marks\.jsonl:1 .*checksum"):
        read_marks(folder, "0" * 16)
    (folder / MARKS).write_text(line.replace("good", "gold"))
    with pytest.raises(StoreError, match=r"marks\.jsonl:1 .*checksum"):
        read_marks(folder, folder.name)
    (folder / MARKS).write_text("")
    with pytest.raises(StoreError, match="one line or more"):
        read_marks(folder, folder.name)


def test_marks_of_earlier_versions_read(tmp_path: Path, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    (folder / MARKS).write_text('{"at_utc": "2025-01-31T12:00:00+00:00", "add": ["old"], "remove": [], "note": null}\n')
    assert read_marks(folder, folder.name).tags == ("old",)
