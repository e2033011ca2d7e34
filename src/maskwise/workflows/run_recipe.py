"""One recipe on one data set: read, split by person, train, predict the held-out people, score, keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.files import refuse_unwritable, write_atomically
from maskwise.fitting.choose_precision import choices_json, settle_precision
from maskwise.fitting.parts import Factor, fold_jobs, join_folds, multiplied_parts, read_parts
from maskwise.fitting.refuse_early import refuse_impossible, split_people
from maskwise.fitting.run_data import leave_out_unreadable, read_labels, read_photos
from maskwise.fitting.self_train import train_job
from maskwise.fitting.training_framing import measure_training_framing
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import dump_recipe
from maskwise.seeds import rng_for
from maskwise.store.begin_run import describe_run, open_run, split_csv, training_seconds
from maskwise.store.layout import FRAMING, RECIPE, SPEED, SPLIT, fold_folder
from maskwise.store.runs import read_record
from maskwise.store.write_runs import finish_run, finish_unscored_run, lock_run
from maskwise.training.processes import from_first
from maskwise.workflows.teacher import open_teacher


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
    teacher = None
    if recipe.distillation is not None:
        teacher = open_teacher(recipe, manifest, fold_N, place.store, place.cache, listener)
    recipe, choices = from_first(partial(settle_precision, recipe, len(manifest.table), place.cache, listener))
    photos = read_photos(recipe, manifest, place.cache, listener)
    parts = read_parts(recipe, photos.labelled, manifest.root, place.cache, listener)
    record = describe_run(recipe, photos.about, fold_N, command)
    folder = open_run(place.store, record, resume_only=resume_only, force=force)
    with lock_run(folder):
        write_atomically(folder / RECIPE, dump_recipe(recipe))
        write_atomically(folder / SPLIT, split_csv(manifest.table, fold_N))
        if choices:
            write_atomically(folder / SPEED, choices_json(choices))
        framing = measure_training_framing(manifest.root, manifest.table)
        if framing is not None:
            write_atomically(folder / FRAMING, framing.model_dump_json(indent=1) + "\n")
        folds = []
        for fold in range(record.folds):
            jobs = fold_jobs(parts, fold_N == fold, fold, fold_folder(folder, fold), listener)
            factors = [Factor(job.recipe.task, train_job(job, photos.unlabelled, teacher)) for job in jobs]
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
