from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.files import TEMPORARY_PREFIX
from maskwise.store.kept_for import record_need
from maskwise.store.layout import RECORD
from maskwise.store.retention import delete_runs, needed_runs, runs_to_prune
from maskwise.store.runs import list_runs
from maskwise.store.sizes import folder_bytes, format_sizes, in_words, leftovers, size_of_run
from maskwise.store.write_runs import lock_run, start_run
from store.conftest import FinishedRun, MakeRecord


@pytest.fixture
def ranked(tmp_path: Path, finished_run: FinishedRun) -> list[Path]:
    """Five finished runs, the best first."""
    for seed in range(5):
        finished_run(tmp_path, "run", seed)
    runs = [run for run in list_runs(tmp_path).runs if run.record.scores]
    value = {run.folder: run.record.scores.macro_f1.value for run in runs if run.record.scores}
    return sorted(value, key=lambda folder: -value[folder])


def join(store: Path, finished_run: FinishedRun, members: list[Path], name: str = "both") -> Path:
    recipe = {"ensemble": {"members": [folder.name for folder in members], "vote": {"kind": "soft"}}}
    return finished_run(store, name, 9, recipe=recipe)


def test_a_run_that_nothing_needs_goes_and_leaves_nothing(tmp_path: Path, ranked: list[Path]) -> None:
    (gone,) = delete_runs(tmp_path, [ranked[3], ranked[3]])
    assert gone.run_id == ranked[3].name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f.name for f in ranked if f != ranked[3])


def test_the_best_is_never_deleted_and_nothing_goes_with_it(tmp_path: Path, ranked: list[Path]) -> None:
    with pytest.raises(StoreError, match="must stay, as it is the best on the board") as caught:
        delete_runs(tmp_path, [ranked[0], ranked[3]])
    assert len(caught.value.problems) == 1
    assert all(folder.exists() for folder in ranked)


def test_members_stay_as_long_as_their_ensemble(tmp_path: Path, ranked: list[Path], finished_run: FinishedRun) -> None:
    ensemble = join(tmp_path, finished_run, ranked[1:3])
    with pytest.raises(StoreError, match="is a member of the ensemble both"):
        delete_runs(tmp_path, [ranked[2]])
    assert set(needed_runs(tmp_path, list_runs(tmp_path).runs)) == {folder.name for folder in ranked[:3]}
    delete_runs(tmp_path, [ranked[2], ensemble])
    assert not ranked[2].exists()
    assert not ensemble.exists()


def test_nothing_is_deleted_beside_a_damaged_record(
    tmp_path: Path, ranked: list[Path], finished_run: FinishedRun
) -> None:
    ensemble = join(tmp_path, finished_run, ranked[1:3])
    (ensemble / RECORD).write_bytes((ensemble / RECORD).read_bytes()[:-9])
    for delete in (lambda: delete_runs(tmp_path, [ranked[2]]), lambda: runs_to_prune(tmp_path, 1)):
        with pytest.raises(StoreError, match="Until then nothing is deleted") as caught:
            delete()
        assert str(ensemble / RECORD) in caught.value.problems[0]
    assert all(folder.exists() for folder in ranked)


def test_tables_and_exports_keep_their_runs(tmp_path: Path, ranked: list[Path], finished_run: FinishedRun) -> None:
    rung = finished_run(tmp_path, "rung", 11, command=("maskwise", "ladder", "--data", "x"))
    record_need(tmp_path, "the export bundle", [ranked[4].name])
    record_need(tmp_path, "the export bundle", [ranked[4].name])
    with pytest.raises(StoreError) as caught:
        delete_runs(tmp_path, [rung, ranked[4]])
    text = "\n".join(caught.value.problems)
    assert "is a result of `maskwise ladder`" in text
    assert text.count("is needed by the export bundle") == 1
    (tmp_path / ".needed" / "broken.json").write_text("{}")
    with pytest.raises(StoreError, match="what needs which runs"):
        delete_runs(tmp_path, [ranked[3]])


def test_a_run_at_work_and_one_elsewhere_are_refused(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun
) -> None:
    begun = start_run(tmp_path / "here", make_record("begun"))
    with lock_run(begun), pytest.raises(StoreError, match="another process"):
        delete_runs(tmp_path / "here", [begun])
    elsewhere = finished_run(tmp_path / "there")
    with pytest.raises(StoreError, match="in the store"):
        delete_runs(tmp_path / "here", [elsewhere])
    delete_runs(tmp_path / "here", [begun])
    assert elsewhere.exists()
    assert not begun.exists()


def test_pruning_keeps_the_best_and_what_they_need(
    tmp_path: Path, ranked: list[Path], finished_run: FinishedRun, make_record: MakeRecord
) -> None:
    record_need(tmp_path, "the export bundle", [ranked[4].name])
    begun = start_run(tmp_path, make_record("begun"))
    doomed, spared = runs_to_prune(tmp_path, 2)
    assert {run.folder for run in doomed} == set(ranked[2:4])
    assert spared == {ranked[4].name: ["is needed by the export bundle"]}
    delete_runs(tmp_path, [run.folder for run in doomed])
    assert {run.folder for run in list_runs(tmp_path).runs} == {*ranked[:2], ranked[4], begun}
    with pytest.raises(StoreError, match="1 or more, got 0"):
        runs_to_prune(tmp_path, 0)


def test_pruning_spares_the_members_of_an_ensemble_that_stays(
    tmp_path: Path, ranked: list[Path], finished_run: FinishedRun
) -> None:
    ensemble = join(tmp_path, finished_run, [ranked[4]])
    record_need(tmp_path, "the export bundle", [ensemble.name])
    doomed, spared = runs_to_prune(tmp_path, 1)
    assert ranked[4] not in {run.folder for run in doomed}
    assert spared[ranked[4].name] == ["is a member of the ensemble both"]


def test_sizes_add_up_to_the_bytes_on_the_disk(tmp_path: Path, ranked: list[Path]) -> None:
    runs = list_runs(tmp_path).runs
    sizes = [size_of_run(run) for run in runs]
    assert [each.weights_bytes for each in sizes] == [2 * len(b"weights")] * 5
    assert all(each.predictions_bytes > 1000 for each in sizes)
    assert sum(each.total_bytes for each in sizes) == folder_bytes(tmp_path)
    shutil.copytree(ranked[0], tmp_path / f"{TEMPORARY_PREFIX}x")
    assert leftovers(tmp_path) == [tmp_path / f"{TEMPORARY_PREFIX}x"]
    text = format_sizes(sizes, 10, 0, 120)
    assert text.splitlines()[0].split() == ["name", "run", "status", "weights", "predictions", "other", "all"]
    assert "5 runs: " in text
    assert "left by killed processes: 10 B" in text
    assert format_sizes([], 0, 0, 80).startswith("0 runs: 0 B")
    assert leftovers(tmp_path / "nowhere") == []


def test_bytes_in_words() -> None:
    assert [in_words(n) for n in (0, 999, 1000, 13_920_000, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "13.9 MB",
        "2.5 GB",
    ]
