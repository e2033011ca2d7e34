"""The runs of a store, read: one, or all of them. numpy is not imported, so a board comes quickly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from maskwise.errors import StoreError
from maskwise.store.layout import RECORD
from maskwise.store.run_record import RunRecord


class StoredRun(NamedTuple):
    """A run and where it lies."""

    folder: Path
    record: RunRecord


class StoredRuns(NamedTuple):
    """What a store holds."""

    runs: tuple[StoredRun, ...]
    """Newest first, finished or not."""
    skipped: tuple[str, ...]
    """One line for each folder that is no readable run, with the reason."""
    damaged: tuple[str, ...] = ()
    """Those of ``skipped`` that hold a run.json which cannot be read: nobody knows whose name and age it bears."""


def read_record(folder: Path) -> RunRecord:
    """The description of the run in ``folder``. ``StoreError`` where there is none or it cannot be read."""
    path, remedy = folder / RECORD, "Name another folder, or move this one away."
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{folder} must be a run folder, got none with a readable {RECORD} ({error.strerror})."
        ) from None
    try:
        return RunRecord.from_json(text)
    except StoreError as error:
        raise StoreError([f"{path}: {problem} {remedy}" for problem in error.problems]) from None


def read_finished(folder: Path) -> RunRecord:
    """The description of a finished run; ``StoreError`` for one that is not."""
    record = read_record(folder)
    if record.status != "finished":
        raise StoreError(
            f"run {record.run_id} ({record.name}) must be finished, got one that was begun {record.created_utc} and is "
            "not. Give the same train command again: it goes on from the last checkpoint."
        )
    return record


def refuse_unscored(records: Sequence[RunRecord]) -> None:
    """``StoreError`` names every run that was trained on everybody: none can be scored, compared or joined."""
    problems = [
        f"run {record.run_id} ({record.name}) must hold people out, got one that was trained on everyone: it has no "
        "scores and no held-out predictions. Take the run that its recipe was chosen by; `predict` and `submit` take "
        "this one."
        for record in records
        if not record.holds_people_out
    ]
    if problems:
        raise StoreError(problems)


def correction_lists(runs: Sequence[StoredRun]) -> tuple[str, ...]:
    """The lists of label corrections that the runs were trained with, each once."""
    settings = [run.record.recipe.get("data") or {} for run in runs]
    return tuple(dict.fromkeys(name for data in settings for name in data.get("corrections", ())))


def list_runs(store: Path) -> StoredRuns:
    """All runs of a store, newest first; reads their run.json. A missing store holds none."""
    runs, skipped, damaged = [], [], []
    for name in _folder_names(store):
        folder = store / name
        try:
            record = read_record(folder)
        except StoreError as error:
            skipped.append(error.problems[0])
            if (folder / RECORD).exists():
                damaged.append(error.problems[0])
            continue
        if record.run_id != name:
            skipped.append(f"{folder} must be named as its run id, got one of run {record.run_id}. Is it a copy?")
            continue
        runs.append(StoredRun(folder, record))
    runs.sort(key=lambda run: (run.record.created, run.record.run_id), reverse=True)
    return StoredRuns(tuple(runs), tuple(skipped), tuple(damaged))


def _folder_names(store: Path) -> list[str]:
    try:
        with os.scandir(store) as entries:
            # Names that begin with a dot are drafts of a killed process, or not ours.
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{store} must be a store of runs, got {error.strerror}. Check --store.") from None
