"""The files that a finished run keeps, checked when they are read: run.json holds the SHA-256 of each.

Runs of maskwise before 0.3 have none; their files are read as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskwise.errors import DataError, StoreError, must
from maskwise.evaluation.scores import Evaluation
from maskwise.files import TEMPORARY_PREFIX, parse_json, sha256_of
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.layout import (
    LOCK,
    MARKS,
    MARKS_LOCK,
    PREDICTIONS,
    RECORD,
    SCORES,
    SPLIT,
    log_path,
)
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import StoredRun, read_finished, read_record, refuse_unscored
from maskwise.tables import read_csv

_NOT_KEPT = (RECORD, LOCK, MARKS, MARKS_LOCK)
"""The record itself, and what changes after the run is finished."""
_REMEDY = "Bring the file back from a copy, or train the run again with --force."


def checksums_of(folder: Path) -> dict[str, str]:
    """SHA-256 of all that the run in ``folder`` keeps, by path below it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in paths
        if path.name not in _NOT_KEPT and not path.name.startswith(TEMPORARY_PREFIX)
    }


def check_kept(folder: Path, *paths: Path) -> None:
    """``check_files`` of the run in ``folder``."""
    check_files(StoredRun(folder, read_record(folder)), *paths)


def check_files(run: StoredRun, *paths: Path) -> None:
    """Refuse files of a finished run that are gone or not as they were written."""
    for path in paths:
        expected = run.record.checksums.get(path.relative_to(run.folder).as_posix())
        if not path.is_file():
            raise StoreError(must(str(path), "there", "no such file", _REMEDY))
        if expected is not None and sha256_of(path) != expected:
            got = "another checksum: it was changed or damaged"
            raise StoreError(must(str(path), "as the run wrote it", got, _REMEDY))


def read_held_out(folder: Path) -> tuple[Predictions, Task]:
    """The held-out predictions of the run in ``folder``, and their task."""
    path = folder / PREDICTIONS
    check_kept(folder, path)
    return read_predictions(path)


def read_evaluation(folder: Path) -> Evaluation:
    """The scores of a finished run. ``StoreError`` where it has none."""
    refuse_unscored([read_finished(folder)])
    path = folder / SCORES
    check_kept(folder, path)
    try:
        return Evaluation.from_json(path.read_bytes())
    except DataError as error:
        raise StoreError([f"{path}: {problem}" for problem in error.problems]) from None


def read_split(folder: Path) -> dict[str, int]:
    """The fold that holds each person out, by person; -1 for people who are never held out."""
    path = folder / SPLIT
    check_kept(folder, path)
    columns = read_csv(path, ("person", "fold")).columns
    try:
        return {person: int(fold) for person, fold in zip(columns["person"], columns["fold"], strict=True)}
    except ValueError:
        raise StoreError(must(f"folds of {path}", "whole numbers", "something else", _REMEDY)) from None


def read_log(run: StoredRun, fold: int, part: str = "") -> list[dict[str, Any]]:
    """What was written down in each epoch of a training, oldest first."""
    path = log_path(run.folder, fold, part)
    check_files(run, path)
    lines = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            event = parse_json(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise StoreError(must(f"{path}:{number}", "an epoch in JSON", "something else", _REMEDY))
        lines.append(event)
    return lines
