"""One recipe on one data set: read, split by person, train, predict the held-out people, score, keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskwise.data.manifest import Manifest
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.faces.box_store import BoxStore
from maskwise.files import refuse_unwritable, write_atomically
from maskwise.fitting.choose_precision import PrecisionChoice, choices_json, settle_precision
from maskwise.fitting.expected_time import plan_line
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.parts import Factor, PartPhotos, fold_jobs, join_folds, multiplied_parts, read_parts
from maskwise.fitting.refuse_early import refuse_impossible, split_people
from maskwise.fitting.run_data import RunPhotos, leave_out_unreadable, read_labels, read_photos
from maskwise.fitting.self_train import train_job
from maskwise.fitting.training_framing import measure_training_framing
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import dump_recipe
from maskwise.records import Ints, Predictions
from maskwise.seeds import rng_for
from maskwise.store.begin_run import describe_run, open_run, split_csv, training_seconds
from maskwise.store.layout import FRAMING, RECIPE, SPEED, SPLIT, fold_folder
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import read_record
from maskwise.store.write_runs import finish_run, finish_unscored_run, lock_run
from maskwise.training.processes import from_first
from maskwise.workflows.teacher import Teacher, open_teacher


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes."""

    data: Path
    store: Path
    cache: Path

    def resolved(self) -> Place:
        """The same for a process that runs in another folder."""
        return Place(self.data.resolve(), self.store.resolve(), self.cache.resolve())


@dataclass(frozen=True)
class Order:
    """A run that is wanted, and what is to be done about one that is there."""

    recipe: Recipe
    place: Place
    command: Sequence[str]
    resume_only: bool = False
    """Refuses to begin a new run."""
    force: bool = False
    """Replaces a finished one."""
    skip_unreadable: bool = False
    """Leaves out damaged photos and notes them."""
    takes_finished: bool = False
    """Takes a finished run as it is, and waits for one that another process works on; otherwise both are refused."""


@dataclass(frozen=True)
class OpenedRun:
    """A run that was begun or goes on, with its photos."""

    recipe: Recipe
    """With whatever ``auto`` chose."""
    choices: dict[str, PrecisionChoice]
    manifest: Manifest
    fold_N: Ints
    photos: RunPhotos
    parts: tuple[PartPhotos, ...]
    teacher: Teacher | None
    record: RunRecord
    folder: Path

    def jobs(self, fold: int, listener: Listener) -> list[FoldJob]:
        """The models of a fold."""
        return fold_jobs(self.parts, self.fold_N == fold, fold, fold_folder(self.folder, fold), listener)

    def train(self, job: FoldJob) -> Predictions:
        """Train a model, or load what was trained; its predictions of the held-out people."""
        return train_job(job, self.photos.unlabeled, self.teacher)


Trained = Mapping[tuple[int, str], Predictions]
"""Held-out predictions of models that were trained elsewhere already, by fold and part."""


def run_recipe(
    recipe: Recipe,
    place: Place,
    command: Sequence[str],
    listener: Listener,
    *,
    force: bool = False,
) -> tuple[Path, Evaluation | None]:
    """Train and score ``recipe``; goes on where a killed run of the same recipe, data and seed stopped.

    Returns the run's folder and its scores on held-out people, None where everybody trains. ``force`` replaces a
    finished run.
    """
    return finish_order(Order(recipe, place, command, force=force), {}, listener)


def open_order(order: Order, listener: Listener) -> OpenedRun:
    """Read what the run learns from, and begin it or go on with it."""
    recipe, place = order.recipe, order.place
    refuse_unwritable(place.store)
    refuse_impossible(recipe)
    manifest = read_labels(recipe, place.data)
    fold_N = split_people(recipe, manifest)
    if order.skip_unreadable:
        manifest = leave_out_unreadable(manifest, listener)
        fold_N = split_people(recipe, manifest)
    for note in manifest.notes:
        listener.on_note(note)
    teacher = None
    if recipe.distillation is not None:
        teacher = open_teacher(recipe, manifest, fold_N, place.store, place.cache, listener)
    recipe, choices = from_first(partial(settle_precision, recipe, len(manifest.table), place.cache, listener))
    listener.on_note(plan_line(recipe, len(manifest.table), place.cache))
    photos = read_photos(recipe, manifest, place.cache, listener)
    parts = read_parts(recipe, photos.labeled, manifest.root, place.cache, listener)
    record = describe_run(recipe, photos.about, fold_N, order.command)
    folder = open_run(place.store, record, resume_only=order.resume_only, force=order.force)
    return OpenedRun(recipe, choices, manifest, fold_N, photos, parts, teacher, record, folder)


def finish_order(order: Order, trained: Trained, listener: Listener) -> tuple[Path, Evaluation | None]:
    """Train what is not ``trained``, score, keep; see ``run_recipe``."""
    run = open_order(order, listener)
    recipe, folder, record = run.recipe, run.folder, run.record
    with lock_run(folder):
        write_atomically(folder / RECIPE, dump_recipe(recipe))
        write_atomically(folder / SPLIT, split_csv(run.manifest.table, run.fold_N))
        if run.choices:
            write_atomically(folder / SPEED, choices_json(run.choices))
        boxes = BoxStore(order.place.cache, listener.on_note)
        framing = measure_training_framing(run.manifest.root, run.manifest.table, boxes)
        if framing is not None:
            write_atomically(folder / FRAMING, framing.model_dump_json(indent=1) + "\n")
        folds = []
        for fold in range(record.folds):
            jobs = run.jobs(fold, listener)
            factors = [Factor(job.recipe.task, trained.get((fold, job.model.name)) or run.train(job)) for job in jobs]
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
