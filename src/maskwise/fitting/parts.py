"""Separate models for groups of attributes: the photos as each of them sees them, and what they predict together.

Each part of the recipe is trained as a recipe of its own would be: on its own attributes, on the photos that are meant
for it, cropped its own way. All parts hold out the same people. The probability of a joint class is the product of the
parts' probabilities of its attributes, as if these were independent of each other given the photo; parts of the same
attributes are averaged before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwise import probabilities
from maskwise.fitting.drawn_photos import draw_on_bare
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import cache_settings, input_spec, read_set
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.probabilities import Probabilities
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import SingleRecipe, single_recipes
from maskwise.records import Predictions


class PartPhotos(NamedTuple):
    """One model of a recipe and all labeled photos as it sees them."""

    model: SingleRecipe
    photos: PhotoSet
    """Classes are those of the model's attributes; pixels are of its crop and size."""


class Factor(NamedTuple):
    """What one part predicts for some photos."""

    task: Task
    """The part's own, with its attributes alone."""
    predictions: Predictions


def fold_jobs(
    parts: Sequence[PartPhotos], held_out_N: NDArray[np.bool_], fold: int, folder: Path, listener: Listener
) -> list[FoldJob]:
    """The models that are trained in one fold: one for each part, in a folder of its name."""
    return [FoldJob(model, photos, held_out_N, fold, folder / model.name, listener) for model, photos in parts]


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


def multiplied_parts(task: Task, factors: Sequence[Factor]) -> Predictions:
    """The predictions of all parts for the same photos as one for ``task``, whose attributes they share out."""
    parts = [
        (part.attributes, Probabilities(predictions.probs_NC, predictions.age_years_N)) for part, predictions in factors
    ]
    joint = probabilities.multiplied(parts, task)
    codes_N = {
        attribute: code_N
        for part_task, predictions in factors
        for attribute, code_N in part_task.codes(predictions.class_N).items()
    }
    return dataclasses.replace(
        factors[0].predictions,
        class_N=task.joint_class(codes_N),
        probs_NC=joint.probs_NC,
        age_years_N=joint.age_years_N,
        optimistic=any(predictions.optimistic for _, predictions in factors),
    )


def read_parts(
    recipe: Recipe, labeled: PhotoSet, root: Path, cache: Path, listener: Listener
) -> tuple[PartPhotos, ...]:
    """The photos of ``labeled`` as each model of ``recipe`` sees them; without parts there is one, and sees these.

    ``labeled`` has the pixels of the first part; parts of one crop and size share theirs.
    """
    models = single_recipes(recipe)
    if not recipe.parts:
        return (PartPhotos(models[0], labeled),)
    sets = {_pixels_key(recipe): labeled}
    parts = []
    for model in models:
        key, table = _pixels_key(model.recipe), model.recipe.task.label(labeled.table)
        if key not in sets:
            sets[key] = read_set(labeled.table, root, input_spec(model.recipe), cache, listener)[0]
        drawn = draw_on_bare(model.recipe, table, root, cache, listener)
        parts.append(PartPhotos(model, dataclasses.replace(sets[key], table=table, drawn=drawn)))
    return tuple(parts)


def _pixels_key(recipe: Recipe) -> str:
    """Equal for recipes that see the same pixels."""
    return json.dumps(cache_settings(input_spec(recipe)), sort_keys=True)
