"""One recipe on one data set: read, split by person, train, predict the held-out people, score, keep."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import maskwise
from maskwise.chance import rng_for
from maskwise.data.build import build_split
from maskwise.data.manifest import Manifest
from maskwise.errors import StoreError, printable
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.files import refuse_unwritable, write_atomically
from maskwise.fitting.choose_precision import choices_json, settle_precision
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.one_fold import train_fold
from maskwise.fitting.parts import Factor, PartPhotos, multiplied_parts, read_parts
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.refuse_early import refuse_impossible, refuse_unfit_labels
from maskwise.fitting.run_data import leave_out_unreadable, read_labels, read_photos
from maskwise.fitting.self_train import self_train_fold
from maskwise.fitting.training_framing import measure_training_framing
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe
from maskwise.records import Ints, PhotoTable, Predictions
from maskwise.store.layout import fold_folder, framing_path, recipe_path, speed_path, split_path
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import read_record
from maskwise.store.write_runs import discard_run, finish_run, finish_unscored_run, lock_run, start_run
from maskwise.tables import csv_text
from maskwise.training.fold_files import DONE, read_done
from maskwise.training.processes import from_first


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
    skip_unreadable: bool = False,
) -> tuple[Path, Evaluation | None]:
    """Train and score ``recipe``; goes on where a killed run of the same recipe, data and seed stopped.

    Returns the run's folder and its scores on held-out people, None where everybody trains. ``resume_only`` refuses to
    begin a new run; ``force`` replaces a finished one; ``skip_unreadable`` leaves out damaged photos and notes them.
    """
    refuse_unwritable(place.store)
    refuse_impossible(recipe)
    manifest = read_labels(recipe, place.data)
    fold_N = split_people(recipe, manifest)
    if skip_unreadable:
        manifest = leave_out_unreadable(manifest, listener)
        fold_N = split_people(recipe, manifest)
    for note in manifest.notes:
        listener.on_note(note)
    recipe, choices = from_first(partial(settle_precision, recipe, len(manifest.table), place.cache, listener))
    photos = read_photos(recipe, manifest, place.cache, listener)
    parts = read_parts(recipe, photos.labelled, manifest.root, place.cache, listener)
    record = describe_run(recipe, photos.about, fold_N, command)
    folder = open_run(place.store, record, resume_only=resume_only, force=force)
    with lock_run(folder):
        write_atomically(recipe_path(folder), dump_recipe(recipe))
        write_atomically(split_path(folder), split_csv(manifest.table, fold_N))
        if choices:
            write_atomically(speed_path(folder), choices_json(choices))
        framing = measure_training_framing(manifest.root, manifest.table)
        if framing is not None:
            write_atomically(framing_path(folder), framing.model_dump_json(indent=1) + "\n")
        folds = []
        for fold in range(record.folds):
            jobs = fold_jobs(parts, fold_N == fold, fold, fold_folder(folder, fold), listener)
            factors = [Factor(job.recipe.task, train_job(job, photos.unlabelled)) for job in jobs]
            folds.append(multiplied_parts(recipe.task, factors))
        predictions = join_folds(folds)
        record = dataclasses.replace(record, created_utc=read_record(folder).created_utc)  # when it was first begun
        seconds = training_seconds(folder, record.folds)
        if not record.holds_people_out:
            finish_unscored_run(folder, record, seconds=seconds)
            return folder, None
        evaluation = evaluate(predictions, recipe.task, rng_for(0, "intervals"))
        finish_run(folder, record, evaluation, predictions, recipe.task, seconds=seconds)
    return folder, evaluation


def split_people(recipe: Recipe, manifest: Manifest) -> Ints:
    """The fold that holds out each photo, -1 for none; refuses labels that any training of a fold could not use."""
    fold_N = build_split(recipe.split, recipe.task)(manifest.table, rng_for(recipe.split.seed, "split"))
    refuse_unfit_labels(recipe, manifest.table, fold_N, manifest.root)
    return fold_N


def fold_jobs(
    parts: Sequence[PartPhotos], held_out_N: NDArray[np.bool_], fold: int, folder: Path, listener: Listener
) -> list[FoldJob]:
    """The models that are trained in one fold: one for each part, in a folder of its name."""
    return [FoldJob(model, photos, held_out_N, fold, folder / model.name, listener) for model, photos in parts]


def train_job(job: FoldJob, unlabelled: PhotoSet | None) -> Predictions:
    """The held-out predictions of one model; with ``unlabelled`` photos it trains itself in rounds."""
    settings = job.recipe.self_training
    if settings is None or unlabelled is None:
        return train_fold(job)
    return self_train_fold(job, settings, unlabelled)


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
            "torch": torch.__version__,
            "torchvision": importlib.metadata.version("torchvision"),
            "timm": importlib.metadata.version("timm"),
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
    return start_run(store, record)


def training_seconds(folder: Path, folds: int) -> float:
    """Wall time of all epochs of all folds and rounds, those before an interruption included."""
    done = [path for fold in range(folds) for path in fold_folder(folder, fold).rglob(DONE)]
    return float(sum(read_done(path.parent).seconds for path in done))


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
