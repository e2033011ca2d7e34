"""One model of one fold: what is trained on which photos, and who trains, who chooses the epoch, who is scored."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.choose_photos import drop_ages
from maskwise.data.splits import hold_out
from maskwise.fitting.photo_set import PhotoSet, joined_sets
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import SingleRecipe
from maskwise.recipe.train_config import InnerHoldOut, Last, ScoredPeople
from maskwise.seeds import rng_for


@dataclass(frozen=True)
class FoldJob:
    """Everything that the training of one model in one fold is decided by."""

    model: SingleRecipe
    photos: PhotoSet
    """All labeled photos of the run, as this model sees them."""
    held_out_N: NDArray[np.bool_]
    """The photos of the people who are scored."""
    fold: int
    folder: Path
    """Where weights, log and checkpoints go."""
    listener: Listener

    @property
    def recipe(self) -> Recipe:
        """The recipe of the model."""
        return self.model.recipe


@dataclass(frozen=True)
class FoldPeople:
    """The photos of a fold by what their people are there for."""

    training: PhotoSet
    validation: PhotoSet | None
    """Their macro F1 chooses the epoch; None where the last one is kept."""
    held_out: PhotoSet
    """They are scored."""

    def train_on(self, training: PhotoSet) -> FoldPeople:
        """The same validation and held-out people beside other training photos."""
        return dataclasses.replace(self, training=training)


def assign_people(job: FoldJob) -> FoldPeople:
    """The held-out people are scored; of the others those train, or validate, whom the recipe does not leave out."""
    trains_N = ~job.held_out_N
    trains_N[trains_N] = ~drop_ages(job.photos.table.take(trains_N), job.recipe.data.drop_ages_years)
    rest, held_out = job.photos.take(trains_N), job.photos.take(job.held_out_N)
    training, validation = _split_validation(job, rest, held_out)
    training = _with_drawn(training, job.photos.drawn)
    if job.model.trains_on is not None:
        training = training.take(job.model.trains_on.members(training.table))
    return FoldPeople(training, validation, held_out)


def _split_validation(job: FoldJob, rest: PhotoSet, held_out: PhotoSet) -> tuple[PhotoSet, PhotoSet | None]:
    """(training photos, validation photos or None) as ``train.checkpoint`` says."""
    match job.recipe.train.checkpoint:
        case InnerHoldOut() as inner:
            rng = rng_for(job.recipe.split.seed, "inner hold-out", job.fold)
            split_N = hold_out(rest.table, rng, share=inner.share, class_names=job.recipe.task.class_names)
            return rest.take(split_N < 0), rest.take(split_N == 0)
        case ScoredPeople():
            return rest, held_out
        case Last():
            return rest, None


def _with_drawn(training: PhotoSet, drawn: PhotoSet | None) -> PhotoSet:
    """The training photos, and behind them those drawn from photos of the same people."""
    if drawn is None:
        return training
    is_theirs_M = np.isin(drawn.table.person_N.astype(str), training.table.person_N.astype(str))
    return joined_sets(training, drawn.take(is_theirs_M))
