"""What recipe, machine and labels alone show to be impossible, refused before a photo is read and a run begun."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwise.data.build import build_split
from maskwise.data.manifest import Manifest
from maskwise.errors import DataError, must
from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.fold_job import FoldJob, assign_people
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.run_data import read_unlabeled
from maskwise.listeners import Silent
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import SingleRecipe, single_recipes
from maskwise.records import Image, Ints, PhotoTable
from maskwise.seeds import rng_for
from maskwise.store.predictions_file import refuse_foreign_names
from maskwise.training.devices import autocast, choose_device
from maskwise.training.processes import n_processes, refuse_small_batches
from maskwise.training.step import refuse_long_accumulation


def refuse_impossible(recipe: Recipe) -> None:
    """``RecipeError`` for a device or a precision that this machine has not, ``WeightsError`` for weights that cannot
    be had; those of a hub are downloaded now."""
    for _, single, _ in single_recipes(recipe):
        autocast(choose_device(single.runtime.device), single.train.precision)
        refuse_small_batches(single.train.batch_size)
        if single.model.weights.kind != "none":
            build_model(single.model, single.task)


def split_people(recipe: Recipe, manifest: Manifest) -> Ints:
    """The fold that holds out each photo, -1 for none; refuses labels that any training of a fold could not use."""
    fold_N = build_split(recipe.split, recipe.task)(manifest.table, rng_for(recipe.split.seed, "split"))
    refuse_unfit_labels(recipe, manifest.table, fold_N, manifest.root)
    return fold_N


def refuse_unfit_labels(recipe: Recipe, table: PhotoTable, fold_N: Ints, root: Path) -> None:
    """Prepare each training of each fold as it will be, but without a pixel.

    ``DataError`` where people, classes or unlabeled photos are missing and for names that the run could not keep,
    ``RecipeError`` where settings do not fit the number of photos.
    """
    refuse_foreign_names(table.photo_N, table.person_N)
    if recipe.self_training is not None:
        read_unlabeled(root, recipe)
    models = single_recipes(recipe)
    refuse_unseen_classes(models, table)
    for model in models:
        photos = PhotoSet(model.recipe.task.label(table), _no_pixels)
        for fold in range(max(1, int(fold_N.max()) + 1)):
            _refuse_unfit_training(FoldJob(model, photos, fold_N == fold, fold, Path(), Silent()))


def refuse_unseen_classes(models: tuple[SingleRecipe, ...], table: PhotoTable) -> None:
    """``DataError`` names each part whose ``trains_on`` leaves out all photos of one of its classes."""
    problems = []
    for position, (_, recipe, trains_on) in enumerate(models):
        if trains_on is None:
            continue
        class_N = recipe.task.label(table).train_class_N
        unseen = np.setdiff1d(class_N, class_N[trains_on.members(table)])
        if len(unseen):
            names = ", ".join(recipe.task.class_names[c] for c in unseen)
            problems.append(
                f"parts.{position}.trains_on must leave photos of every class, got {{{trains_on}}}, without any photo "
                f"that is {names}. Widen it."
            )
    if problems:
        raise DataError(problems)


def _refuse_unfit_training(job: FoldJob) -> None:
    """Masks drawn on photos, and pseudo-labels, only add to the photos that are counted here.

    A batch larger than all photos is none of the faults: an epoch is then one batch of them all.
    """
    recipe, people = job.recipe, assign_people(job)
    n_photos, fewest = len(people.training.table), 2 * n_processes()
    more_come = recipe.data.draw_masks is not None or recipe.self_training is not None
    if n_photos < fewest and not more_come:
        raise DataError(must(f"photos that train in fold {job.fold}", f"{fewest} or more", n_photos, "Add photos."))
    fit = bind_fit(recipe, people.training, people.validation, job.fold)
    if not more_come:
        refuse_long_accumulation(recipe.train.accumulate_batches, len(fit.source.plan(0)))


def _no_pixels(index_M: Ints) -> Image:
    raise AssertionError(f"{len(index_M)} photos were to be read before the run was checked")
