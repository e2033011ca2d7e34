"""Separate models for groups of attributes: one for the mask, another for gender and age, say, and one answer of both.

Each part of the recipe is trained as a recipe of its own would be: on its own attributes, on the photos that are meant
for it, cropped its own way. All parts hold out the same people. How probable a joint class is, is the product of what
the parts say of its attributes, as if these were independent of each other given the photo.
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
from maskwise.errors import DataError
from maskwise.fitting.drawn_photos import draw_on_bare
from maskwise.fitting.one_fold import FoldPeople, fit_and_predict, part_people, write_input_spec
from maskwise.fitting.photo_set import CacheKeys, PhotoSet
from maskwise.fitting.photos import cache_settings, cached_pixels, input_spec, pixel_keys
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.probabilities import Probabilities
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import SingleRecipe, single_recipes
from maskwise.records import InputSpec, PhotoTable, Predictions


class PartPhotos(NamedTuple):
    """A part of the recipe and all labelled photos as it sees them."""

    part: SingleRecipe
    photos: PhotoSet
    """Classes are those of the part's attributes; pixels are of its crop and size."""
    spec: InputSpec


class Factor(NamedTuple):
    """What one part says of some photos."""

    task: Task
    """The part's own, with its attributes alone."""
    predictions: Predictions


def train_parts(
    parts: Sequence[PartPhotos], task: Task, held_out: NDArray[np.bool_], fold: int, folder: Path, listener: Listener
) -> Predictions:
    """Train every part on everybody but the held-out people, then predict those: the product of the parts' answers.

    Each part leaves its files in a folder of its name in ``folder``. After a kill, parts that are trained are loaded,
    and the one that was stopped goes on.
    """
    factors = []
    for each in parts:
        predictions = train_part(each, held_out, fold, folder / each.part.name, listener)
        factors.append(Factor(each.part.recipe.task, predictions))
    return multiplied(task, factors)


def train_part(
    each: PartPhotos, held_out: NDArray[np.bool_], fold: int, folder: Path, listener: Listener
) -> Predictions:
    """Train one part, on the photos that are meant for it, and predict all photos of the held-out people."""
    recipe = each.part.recipe
    write_input_spec(each.spec, folder)
    people = only_meant(part_people(recipe, each.photos, held_out, fold), each.part)
    listener.on_note(f"fold {fold}, {each.part.name}: trains on {len(people.fitting.table):,} photos")
    return fit_and_predict(recipe, people, fold, each.spec, folder, listener)


def only_meant(people: FoldPeople, part: SingleRecipe) -> FoldPeople:
    """The same people, of whose photos only those train that ``trains_on`` tells; who chooses and is scored stays."""
    if part.trains_on is None:
        return people
    fitting = people.fitting.take(part.trains_on.members(people.fitting.table))
    return dataclasses.replace(people, fitting=fitting)


def multiplied(task: Task, factors: Sequence[Factor]) -> Predictions:
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
    recipe: Recipe, labelled: PhotoSet, root: Path, cache: Path, listener: Listener
) -> tuple[PartPhotos, ...]:
    """The photos of ``labelled`` as each part of ``recipe`` sees them; none for a recipe without parts.

    ``labelled`` has the pixels of the first part; parts of one crop and size share theirs. ``DataError`` where a part
    would never see one of its classes.
    """
    if not recipe.parts:
        return ()
    singles = single_recipes(recipe)
    refuse_unseen_classes(singles, labelled.table)
    sets = {_key(input_spec(recipe)): labelled}
    parts = []
    for single in singles:
        spec = input_spec(single.recipe)
        if _key(spec) not in sets:
            pixels = cached_pixels(root, labelled.table, spec, cache, listener)
            keys = CacheKeys(cache, pixel_keys(spec, pixels.content_N))
            sets[_key(spec)] = PhotoSet(labelled.table, pixels.read, keys=keys)
        whole = sets[_key(spec)]
        table = single.recipe.task.label(labelled.table)
        drawn = draw_on_bare(single.recipe, table, root, spec, cache, listener)
        photos = PhotoSet(table, whole.read, drawn=drawn, keys=whole.keys)
        parts.append(PartPhotos(single, photos, spec))
    return tuple(parts)


def refuse_unseen_classes(singles: Sequence[SingleRecipe], table: PhotoTable) -> None:
    """``DataError`` names each part whose ``trains_on`` leaves out all photos of one of its classes."""
    problems = []
    for position, (_, recipe, trains_on) in enumerate(singles):
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


def _key(spec: InputSpec) -> str:
    """Equal for specs of the same pixels."""
    return json.dumps(cache_settings(spec), sort_keys=True)
