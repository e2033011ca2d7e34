"""What is known of a run before it trains, and its folder: new, or one that was stopped. No torch."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from pathlib import Path

import maskwise
from maskwise.errors import StoreError, printable
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.records import Ints, PhotoTable
from maskwise.store.layout import fold_folder
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import list_runs
from maskwise.store.write_runs import discard_run, start_run
from maskwise.tables import csv_text
from maskwise.training.fold_files import DONE, read_done


def describe_run(recipe: Recipe, data: RunData, fold_N: Ints, command: Sequence[str]) -> RunRecord:
    """What is known of a run before it trains."""
    return RunRecord(
        run_id=run_id(recipe, data.decisive),
        name=recipe.name,
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data=data,
        versions={
            "maskwise": maskwise.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("torch", "torchvision", "timm")},
        },
        command=tuple(map(printable, command)),
        folds=max(1, int(fold_N.max()) + 1),  # one model also where nobody is held out
        optimistic=recipe.optimistic,
    )


def open_run(store: Path, record: RunRecord, *, resume_only: bool, force: bool) -> Path:
    """The folder of the run to work on: new, or one that was stopped."""
    folder = store / record.run_id
    if resume_only and not folder.exists():
        raise StoreError(
            f"--resume must find a stopped run of this recipe, data and seed, got none in {store}. "
            "Leave --resume out to begin it."
        )
    if force and folder.exists():
        discard_run(folder)
    return start_run(store, after_namesakes(store, record))


def after_namesakes(store: Path, record: RunRecord) -> RunRecord:
    """``record``, begun after all runs of its name: a name means the newest, also where the clock was set back."""
    begun = [run.record.created for run in list_runs(store).runs if run.record.name == record.name]
    if not begun or max(begun) < record.created:
        return record
    later = max(begun) + datetime.timedelta(seconds=1)
    return dataclasses.replace(record, created_utc=later.isoformat(timespec="seconds"))


def split_csv(table: PhotoTable, fold_N: Ints) -> str:
    """The split as a file: person,fold, with fold -1 for people who are never held out."""
    people = dict.fromkeys(zip(table.person_N.tolist(), fold_N.tolist(), strict=True))
    return csv_text([("person", "fold"), *people])


def training_seconds(folder: Path, folds: int) -> float:
    """Wall time of all epochs of all folds and rounds, those before an interruption included."""
    done = [path for fold in range(folds) for path in fold_folder(folder, fold).rglob(DONE)]
    return float(sum(read_done(path.parent).seconds for path in done))
