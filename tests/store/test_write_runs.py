from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import DataError, StoreError
from maskwise.evaluation.evaluate import evaluate
from maskwise.files import write_atomically
from maskwise.labels import Task
from maskwise.store import write_runs
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import PREDICTIONS, RECORD, weights_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import list_runs, read_finished, read_record
from maskwise.store.write_runs import discard_run, finish_run, lock_run, start_run
from store.conftest import FinishedRun, MakeRecord, random_predictions, write_training_files


class KilledError(BaseException):
    """Stands for a kill: nothing in the program catches it."""


def test_a_run_from_begin_to_end(tmp_path: Path, make_record: MakeRecord) -> None:
    record, task, predictions = make_record(), Task(), random_predictions()
    folder = start_run(tmp_path / "runs", record)
    assert folder == tmp_path / "runs" / record.run_id
    assert read_record(folder) == record
    write_training_files(folder, record.folds)
    evaluation = evaluate(predictions, task, np.random.default_rng(0), resamples=20)
    finished = finish_run(folder, record, evaluation, predictions, task, seconds=12.5)
    assert read_finished(folder) == finished
    assert (finished.n_held_out_photos, finished.n_held_out_people, finished.seconds) == (40, 20, 12.5)
    assert finished.scores is not None
    assert finished.scores.macro_f1 == evaluation.joint.macro_f1
    assert finished.scores.attribute_accuracy["age"] == evaluation.per_attribute["age"].accuracy.value
    assert read_evaluation(folder).to_json() == evaluation.to_json()
    stored, stored_task = read_predictions(folder / PREDICTIONS)
    np.testing.assert_array_equal(stored.probs_NC, predictions.probs_NC)
    assert stored_task == task


def test_a_finished_run_is_never_touched_again(
    tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun
) -> None:
    folder = finished_run(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    name = make_record().name
    with pytest.raises(StoreError, match=rf"\({name}\) must be new, got one that is finished"):
        start_run(tmp_path, dataclasses.replace(make_record(), name="another"))
    predictions = random_predictions(seed=5)
    evaluation = evaluate(predictions, Task(), np.random.default_rng(0), resamples=5)
    with pytest.raises(StoreError, match="Results are never replaced"):
        finish_run(folder, make_record(), evaluation, predictions, Task(), seconds=1.0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_unfinished_run_is_continued_as_it_was_begun(tmp_path: Path, make_record: MakeRecord) -> None:
    folder = start_run(tmp_path, make_record())
    later = make_record(created_utc="2026-01-01T00:00:00Z")
    assert start_run(tmp_path, later) == folder
    assert read_record(folder).created_utc == make_record().created_utc
    with pytest.raises(StoreError, match="must be finished"):
        read_finished(folder)
    with pytest.raises(StoreError, match="must be finished"):
        read_evaluation(folder)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path, make_record: MakeRecord) -> None:
    folder = tmp_path / make_record().run_id
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="must be a run folder"):
        start_run(tmp_path, make_record())
    with pytest.raises(StoreError, match="must be a run folder"):
        discard_run(folder)
    assert (folder / "thesis.txt").read_text() == "mine"


def test_a_run_that_lacks_files_cannot_be_finished(tmp_path: Path, make_record: MakeRecord) -> None:
    record, predictions = make_record(), random_predictions()
    folder = start_run(tmp_path, record)
    write_training_files(folder, record.folds)
    weights_path(folder, 1).unlink()
    evaluation = evaluate(predictions, Task(), np.random.default_rng(0), resamples=5)
    with pytest.raises(StoreError, match=r"without fold-1/weights.safetensors"):
        finish_run(folder, record, evaluation, predictions, Task(), seconds=1.0)
    assert read_record(folder).status == "running"


def test_only_held_out_predictions_make_the_scores_of_a_run(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record()
    folder = start_run(tmp_path, record)
    write_training_files(folder, record.folds)
    seen = random_predictions(seen_N=np.full(40, "trained_on", object))
    evaluation = evaluate(seen, Task(), np.random.default_rng(0), resamples=5)
    with pytest.raises(DataError, match="held out"):
        finish_run(folder, record, evaluation, seen, Task(), seconds=1.0)


@pytest.mark.parametrize("writes_done", range(3))
def test_a_kill_while_finishing_leaves_an_unfinished_run(
    tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch, writes_done: int
) -> None:
    record, predictions = make_record(), random_predictions()
    folder = start_run(tmp_path, record)
    write_training_files(folder, record.folds)
    evaluation = evaluate(predictions, Task(), np.random.default_rng(0), resamples=5)
    done: list[Path] = []

    def write_or_die(path: Path, content: bytes | str) -> None:
        if len(done) == writes_done:
            raise KilledError
        done.append(path)
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(write_runs, "write_atomically", write_or_die)
        patch.setattr("maskwise.store.predictions_file.write_atomically", write_or_die)
        with pytest.raises(KilledError):
            finish_run(folder, record, evaluation, predictions, Task(), seconds=1.0)
    assert [run.record.status for run in list_runs(tmp_path).runs] == ["running"]
    # The next attempt goes through, whatever the killed one left.
    finish_run(start_run(tmp_path, record), record, evaluation, predictions, Task(), seconds=1.0)
    assert [run.record.status for run in list_runs(tmp_path).runs] == ["finished"]


def test_the_status_is_written_after_every_other_file(
    tmp_path: Path, finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def note(path: Path, content: bytes | str) -> None:
        written.append(path.name)
        write_atomically(path, content)

    monkeypatch.setattr(write_runs, "write_atomically", note)
    monkeypatch.setattr("maskwise.store.predictions_file.write_atomically", note)
    finished_run(tmp_path)
    assert written == ["run.json", "predictions.parquet", "scores.json", "run.json"]


def test_a_kill_while_beginning_leaves_no_run(
    tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(path: Path, content: bytes | str) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(write_runs, "write_atomically", die)
        with pytest.raises(KilledError):
            start_run(tmp_path, make_record())
    assert list_runs(tmp_path) == ((), (), ())
    assert start_run(tmp_path, make_record()).is_dir()


def test_a_faster_process_keeps_its_run(
    tmp_path: Path, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = make_record(created_utc="2025-02-02T00:00:00Z"), make_record()

    def overtaken(path: Path, content: bytes | str) -> None:
        write_atomically(path, content)
        # Between our look and our rename another process places the same run.
        write_atomically(tmp_path / theirs.run_id / RECORD, theirs.to_json())

    monkeypatch.setattr(write_runs, "write_atomically", overtaken)
    assert read_record(start_run(tmp_path, mine)) == theirs
    assert [path.name for path in tmp_path.iterdir()] == [theirs.run_id]


def test_a_run_is_held_by_one_process(tmp_path: Path, make_record: MakeRecord) -> None:
    folder = start_run(tmp_path, make_record())
    program = (
        "import sys; from pathlib import Path; from maskwise.store.write_runs import lock_run\n"
        f"with lock_run(Path({str(folder)!r})): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="another process is working on"), lock_run(folder):
            pass
        with pytest.raises(StoreError, match="another process is working on"):
            discard_run(folder)
        other.kill()
    with lock_run(folder):
        assert read_record(folder).status == "running"


def test_discarding_makes_room(tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun) -> None:
    folder = finished_run(tmp_path)
    discard_run(folder)
    assert list(tmp_path.iterdir()) == []
    assert read_record(start_run(tmp_path, make_record())).status == "running"
