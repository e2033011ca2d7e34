"""One recipe on one data set: read, split by person, train, predict the held-out people, score, keep."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch

import maskwise
from maskwise.chance import rng_for
from maskwise.data.build import build_split
from maskwise.data.choose_photos import keep
from maskwise.data.contents import data_checksum
from maskwise.data.manifest import Manifest, read_train
from maskwise.errors import StoreError
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.files import write_atomically
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe
from maskwise.records import Ints, PhotoTable, Predictions
from maskwise.store.layout import fold_folder, recipe_path, split_path
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import discard_run, finish_run, lock_run, start_run
from maskwise.tables import csv_text
from maskwise.training.listeners import Listener
from maskwise.training.loop import DONE
from maskwise.workflows.folds import PhotoSet, train_fold
from maskwise.workflows.photos import cached_pixels, input_spec


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes."""

    data: Path
    store: Path
    cache: Path


def run_recipe(
    recipe: Recipe,
    place: Place,
    command: Sequence[str],
    listener: Listener,
    *,
    resume_only: bool = False,
    force: bool = False,
) -> tuple[Path, Evaluation]:
    """Train and score ``recipe``; goes on where a killed run of the same recipe, data and seed stopped.

    Returns the run's folder and its scores on held-out people. ``resume_only`` refuses to begin a new run;
    ``force`` replaces a finished one.
    """
    manifest = read_train(place.data, recipe.task, recipe.data.corrections)
    for note in manifest.notes:
        listener.on_note(note)
    if recipe.data.only is not None:
        manifest = dataclasses.replace(manifest, table=manifest.table.take(keep(manifest.table, recipe.data.only)))
    spec = input_spec(recipe)
    pixels = cached_pixels(manifest.root, manifest.table, spec, place.cache, listener)
    fold_N = build_split(recipe.split, recipe.task)(manifest.table, rng_for(recipe.split.seed, "split"))
    record = describe_run(recipe, manifest, data_checksum(manifest.table, pixels.content_N), fold_N, command)
    folder = open_run(place.store, record, resume_only=resume_only, force=force)
    with lock_run(folder):
        write_atomically(recipe_path(folder), dump_recipe(recipe))
        write_atomically(split_path(folder), split_csv(manifest.table, fold_N))
        photos = PhotoSet(manifest.table, pixels.read)
        parts = [
            train_fold(recipe, photos, fold_N == fold, fold, spec, fold_folder(folder, fold), listener)
            for fold in range(record.folds)
        ]
        predictions = join_folds(parts)
        evaluation = evaluate(predictions, recipe.task, rng_for(0, "intervals"))
        finish_run(folder, record, evaluation, predictions, recipe.task, seconds=training_seconds(folder, record.folds))
    return folder, evaluation


def describe_run(recipe: Recipe, manifest: Manifest, checksum: str, fold_N: Ints, command: Sequence[str]) -> RunRecord:
    """What is known of a run before it trains."""
    return RunRecord(
        run_id=run_id(recipe, checksum),
        name=recipe.name,
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data=RunData(
            name=manifest.root.resolve().name,
            checksum=checksum,
            n_photos=len(manifest.table),
            n_people=len(np.unique(manifest.table.person_N.astype(str))),
        ),
        versions={
            "maskwise": maskwise.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": importlib.metadata.version("torchvision"),
            "timm": timm.__version__,
        },
        command=tuple(command),
        folds=int(fold_N.max()) + 1,
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
    return start_run(store, record)


def training_seconds(folder: Path, folds: int) -> float:
    """Wall time of all folds' epochs, those before an interruption included."""
    summaries = [json.loads((fold_folder(folder, fold) / DONE).read_text()) for fold in range(folds)]
    return float(sum(summary["seconds"] for summary in summaries))


def split_csv(table: PhotoTable, fold_N: Ints) -> str:
    """The split as a file: person,fold, with fold -1 for people who are never held out."""
    people = dict.fromkeys(zip(table.person_N.tolist(), fold_N.tolist(), strict=True))
    return csv_text([("person", "fold"), *people])


def join_folds(parts: Sequence[Predictions]) -> Predictions:
    """The held-out predictions of all folds as one table."""
    ages = [part.age_years_N for part in parts if part.age_years_N is not None]
    return Predictions(
        photo_N=np.concatenate([part.photo_N for part in parts]),
        person_N=np.concatenate([part.person_N for part in parts]),
        class_N=np.concatenate([part.class_N for part in parts]),
        probs_NC=np.concatenate([part.probs_NC for part in parts]),
        seen_N=np.concatenate([part.seen_N for part in parts]),
        age_years_N=np.concatenate(ages) if ages else None,
        optimistic=parts[0].optimistic,
    )
