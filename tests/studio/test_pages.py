"""Which runs and data the studio's pages are about."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from maskwise.errors import DataError, StoreError
from maskwise.store.layout import RECORD
from maskwise.store.runs import StoredRun
from maskwise.studio.pages import StudioPages, content_of_folder
from support.finished_runs import add_run


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    """A finished run, in a store of its own."""
    return add_run(tmp_path / "runs", "good", [True, False, True])


def pages_of(run: StoredRun, data: Path | None = None) -> StudioPages:
    return StudioPages(run.folder.parent, data, run.folder.parent.parent / "cache")


def test_a_run_is_found_by_its_id_alone(run: StoredRun) -> None:
    assert pages_of(run).find(run.record.run_id).record.name == "good"
    run.folder.rename(run.folder.with_name("0123456789ab"))
    with pytest.raises(StoreError, match="named as its run id"):
        pages_of(run).find("0123456789ab")


def test_a_page_is_made_anew_when_the_run_is_another(run: StoredRun) -> None:
    pages = pages_of(run)
    before = pages.content_of(run)
    assert pages.content_of(run) == before
    (run.folder / RECORD).write_text(dataclasses.replace(run.record, seconds=61.0).to_json())
    assert pages.content_of(run) != before


def test_the_data_at_hand_come_before_the_run_s_own(run: StoredRun, tmp_path: Path) -> None:
    own = tmp_path / "own"
    record = dataclasses.replace(run.record, data=dataclasses.replace(run.record.data, folder=str(own)))
    remembered = StoredRun(run.folder, record)
    (run.folder / RECORD).write_text(record.to_json())
    with pytest.raises(DataError, match="Start it with --data DIR"):
        pages_of(run).data_at_hand()
    own.mkdir()
    assert (pages_of(run).data_of(remembered), pages_of(run).data_at_hand()) == (own, own)
    assert pages_of(run, tmp_path).data_of(remembered) == tmp_path


def test_the_content_of_a_folder_changes_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    seen = {content_of_folder(tmp_path)}
    (tmp_path / "train" / "a.jpg").write_bytes(b"1")
    seen.add(content_of_folder(tmp_path))
    (tmp_path / "train" / "a.jpg").write_bytes(b"12")
    seen.add(content_of_folder(tmp_path))
    (tmp_path / "train" / "a.jpg").rename(tmp_path / "train" / "b.jpg")
    seen.add(content_of_folder(tmp_path))
    assert len(seen) == 4
    assert content_of_folder(tmp_path) in seen


def test_only_runs_that_can_be_scored_are_offered(run: StoredRun) -> None:
    (choice,) = pages_of(run).choices()
    assert choice.run_id == run.record.run_id
    assert choice.words.startswith(f"good ({run.record.run_id[:8]}, macro F1 ")


def test_links_to_nothing_and_in_a_circle_are_part_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    before = content_of_folder(tmp_path)
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert content_of_folder(tmp_path) != before
