"""Run folders: begun whole, finished last, never overwritten.

A folder appears under its name together with its run.json, whose status stays "running" until every other file is in
place. So a kill at any moment leaves either no run, or one that is plainly unfinished and can be continued.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from maskwise.errors import StoreError
from maskwise.evaluation.scores import Evaluation
from maskwise.files import draft_folder, locked, sync_folder, temporary_prefix, write_atomically
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.kept_files import checksums_of
from maskwise.store.layout import (
    LOCK,
    PREDICTIONS,
    RECIPE,
    RECORD,
    SCORES,
    SPLIT,
    weights_path,
)
from maskwise.store.predictions_file import write_predictions
from maskwise.store.run_record import RunRecord, summarize
from maskwise.store.runs import read_record


class FinishedRunError(StoreError):
    """The run is finished already."""

    def __init__(self, problems: str | Sequence[str], folder: Path | None = None) -> None:
        super().__init__(problems)
        self.folder = folder
        """Of the finished run."""


def start_run(store: Path, record: RunRecord) -> Path:
    """Begin a run, or go on with an unfinished one of the same id; returns its folder.

    An unfinished run keeps the run.json that it was begun with. ``FinishedRunError`` if the run is finished,
    ``StoreError`` if a folder of that name is no run.
    """
    if record.status != "running":
        raise StoreError("a run that begins must have the status running, got finished. Begin with a new record.")
    folder = store / record.run_id
    if not folder.exists() and _place_whole(store, record, folder):
        return folder
    there = read_record(folder)
    if there.status == "finished":
        raise FinishedRunError(
            f"run {record.run_id} ({there.name}) must be new, got one that is finished in {folder}. "
            "Use it as it is, change the seed or the recipe, or add --force to replace it.",
            folder,
        )
    return folder


def finish_run(
    folder: Path,
    record: RunRecord,
    evaluation: Evaluation,
    predictions: Predictions,
    task: Task,
    *,
    seconds: float,
    needed: Sequence[str] = (RECIPE, SPLIT),
) -> RunRecord:
    """Write predictions and scores, and last of all the status "finished"; returns the record as written.

    ``seconds`` is the wall time of the training. ``StoreError`` if the run is finished already, or if a file of
    ``needed`` or a fold's weights are missing; ``DataError`` if the predictions are not all held out.
    """
    _refuse_finished(folder)
    predictions.require_held_out("the scores of a run")
    _refuse_incomplete(folder, [folder / name for name in needed], record)
    finished = dataclasses.replace(
        record,
        status="finished",
        n_held_out_people=evaluation.n_people,
        n_held_out_photos=evaluation.n_photos,
        optimistic=evaluation.optimistic,
        seconds=seconds,
        scores=summarize(evaluation, task),
    )
    write_predictions(predictions, task, folder / PREDICTIONS)
    write_atomically(folder / SCORES, evaluation.to_json() + "\n")
    return _write_finished(folder, finished)


def finish_unscored_run(
    folder: Path, record: RunRecord, *, seconds: float, needed: Sequence[str] = (RECIPE, SPLIT)
) -> RunRecord:
    """Write the status "finished" of a run that was trained on everybody: it has no predictions and no scores.

    ``StoreError`` as ``finish_run``, and if the run holds people out.
    """
    _refuse_finished(folder)
    _refuse_incomplete(folder, [folder / name for name in needed], record)
    return _write_finished(folder, dataclasses.replace(record, status="finished", seconds=seconds))


def lock_run(folder: Path, *, shared: bool = False) -> AbstractContextManager[None]:
    """Hold the run while working on it; ``StoreError`` at once when another process does.

    Those who work on one model of it each hold it ``shared``.
    """
    busy = f"run {folder.name} must be free, got one that another process is working on. Wait for it, or stop it."
    return locked(folder / LOCK, busy=busy, shared=shared)


def discard_run(folder: Path) -> None:
    """Delete a run, finished or not, for ``--force``. It is gone at once, even if the deletion is cut short."""
    with lock_run(folder):
        read_record(folder)  # never deletes what is no run
        grave = folder.with_name(f"{temporary_prefix(folder)}{os.getpid()}-discarded")
        folder.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)  # the next run of this id removes what may be left


def _place_whole(store: Path, record: RunRecord, folder: Path) -> bool:
    """Let the folder appear together with its run.json; False if another process was faster."""
    with draft_folder(folder) as draft:
        write_atomically(draft / RECORD, record.to_json())
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return False
        sync_folder(store)
    return True


def _write_finished(folder: Path, finished: RunRecord) -> RunRecord:
    """Write the record last, with the checksums of all other files."""
    whole = dataclasses.replace(finished, checksums=checksums_of(folder))
    write_atomically(folder / RECORD, whole.to_json())
    return whole


def _refuse_finished(folder: Path) -> None:
    if read_record(folder).status == "finished":
        raise StoreError(f"{folder} must be an unfinished run, got one that is finished. Results are never replaced.")


def _refuse_incomplete(folder: Path, needed: list[Path], record: RunRecord) -> None:
    weights = [weights_path(folder, fold, part) for fold in range(record.folds) for part in record.part_names]
    wanted = [*needed, *weights]
    missing = [str(path.relative_to(folder)) for path in wanted if not path.exists()]
    if missing:
        raise StoreError(
            f"a run must be whole before it is finished, got {folder} without {', '.join(missing)}. Write these first."
        )
