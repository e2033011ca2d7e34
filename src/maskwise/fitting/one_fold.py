"""One fold: the people who train, the people who choose the checkpoint, the people who are scored."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwise.augment.build import Mix, build_augment, build_mixing
from maskwise.chance import rng_for, torch_seed_for
from maskwise.data.choose_photos import drop_ages
from maskwise.data.splits import hold_out
from maskwise.evaluation.metrics import accuracy, macro_f1
from maskwise.files import write_atomically
from maskwise.fitting.cached_features import answer_with_features, train_on_features
from maskwise.fitting.photo_set import PhotoSet, joined
from maskwise.fitting.photos import inference
from maskwise.listeners import Listener
from maskwise.losses.build import LossInputs, build_auxiliary, build_loss, build_target
from maskwise.models.build import MaskwiseModel, build_model
from maskwise.probabilities import Probabilities
from maskwise.recipe.config import Recipe
from maskwise.recipe.train_config import InnerHoldOut, Last, ScoredPeople
from maskwise.records import Floats, InputSpec, Output, PhotoTable, Predictions
from maskwise.sampling.build import build_sampling
from maskwise.store.layout import INPUT
from maskwise.training.batches import BatchSource, ReadPixels
from maskwise.training.folding import folded
from maskwise.training.inference import Inference, predict_table
from maskwise.training.loop import train_model
from maskwise.training.photos_on_gpu import near
from maskwise.training.training_inputs import Fit, Selection


@dataclass(frozen=True)
class FoldPeople:
    """Who does what in a fold."""

    fitting: PhotoSet
    """They train."""
    choosing: PhotoSet | None
    """Their macro F1 chooses the epoch; None where the last one is kept."""
    scored: PhotoSet
    """They are held out."""


def train_fold(
    recipe: Recipe,
    photos: PhotoSet,
    held_out: NDArray[np.bool_],
    fold: int,
    spec: InputSpec,
    folder: Path,
    listener: Listener,
) -> Predictions:
    """Train on everybody but the held-out people, then predict those. Leaves weights and input spec in ``folder``."""
    write_input_spec(spec, folder)
    people = part_people(recipe, photos, held_out, fold)
    return fit_and_predict(recipe, people, fold, spec, folder, listener)


def fit_and_predict(
    recipe: Recipe, people: FoldPeople, fold: int, spec: InputSpec, folder: Path, listener: Listener
) -> Predictions:
    """Train a model on who fits, chosen by who chooses, and predict who is scored."""
    model = fit_model(recipe, people, fold, spec, folder, listener)
    return predict_held_out(recipe, model, people.scored, inference(recipe, spec), listener)


def write_input_spec(spec: InputSpec, folder: Path) -> None:
    """How a photo becomes the model's input, kept beside the weights."""
    write_atomically(folder / INPUT, json.dumps(dataclasses.asdict(spec), indent=2) + "\n")


def part_people(recipe: Recipe, photos: PhotoSet, held_out: NDArray[np.bool_], fold: int) -> FoldPeople:
    """The held-out people are scored; of the others those train, or choose, whom the recipe does not leave out."""
    trains = ~held_out
    trains[trains] = ~drop_ages(photos.table.take(trains), recipe.data.drop_ages_years)
    training, scored = photos.take(trains), photos.take(held_out)
    fitting, choosing = choose_people(recipe, training, scored, fold)
    return FoldPeople(with_drawn(fitting, photos.drawn), choosing, scored)


def with_drawn(fitting: PhotoSet, drawn: PhotoSet | None) -> PhotoSet:
    """The photos that train, and behind them those drawn from photos of the same people."""
    if drawn is None:
        return fitting
    return joined(fitting, drawn.take(np.isin(drawn.table.person_N.astype(str), fitting.table.person_N.astype(str))))


def fit_model(
    recipe: Recipe, people: FoldPeople, fold: int, spec: InputSpec, folder: Path, listener: Listener
) -> MaskwiseModel:
    """A fresh model of the recipe, trained in ``folder``, or what was trained there; the same first weights always."""
    fit = bind_fit(recipe, people.fitting, people.choosing, fold, spec)
    torch.manual_seed(torch_seed_for(recipe.seed, "weights", fold))
    model = build_model(recipe.model, recipe.task.sizes)
    if recipe.train.cached_views is None:
        train_model(fit, model, folder, listener)
    else:
        train_on_features(recipe, fit, model, people.fitting, people.choosing, folder, listener)
    return model


def answer(recipe: Recipe, model: MaskwiseModel, photos: PhotoSet, how: Inference, listener: Listener) -> Probabilities:
    """What a trained model of the recipe says of ``photos``."""
    if recipe.train.cached_views is None:
        return predict_table(folded(model.eval(), how.spec), photos.read, len(photos.table), how)
    return answer_with_features(recipe, model, photos, how, listener)


def predict_held_out(
    recipe: Recipe, model: MaskwiseModel, scored: PhotoSet, how: Inference, listener: Listener
) -> Predictions:
    """What the model says of people whom it never saw."""
    answers = answer(recipe, model, scored, how, listener)
    return Predictions(
        photo_N=scored.table.photo_N,
        person_N=scored.table.person_N,
        class_N=scored.table.class_N,
        probs_NC=answers.probs_NC.reshape(len(scored.table), recipe.task.n_classes),  # for no photos, too
        age_years_N=answers.age_years_N,
        seen_N=np.full(len(scored.table), "held_out", dtype=object),
        optimistic=recipe.optimistic,
    )


def choose_people(recipe: Recipe, training: PhotoSet, scored: PhotoSet, fold: int) -> tuple[PhotoSet, PhotoSet | None]:
    """(the photos to fit, the photos whose macro F1 chooses the epoch or None)."""
    match recipe.train.checkpoint:
        case InnerHoldOut() as inner:
            split = hold_out(
                training.table,
                rng_for(recipe.split.seed, "inner hold-out", fold),
                share=inner.share,
                class_names=recipe.task.class_names,
            )
            return training.take(split < 0), training.take(split == 0)
        case ScoredPeople():
            return training, scored
        case Last():
            return training, None


def bind_fit(recipe: Recipe, fitting: PhotoSet, choosing: PhotoSet | None, fold: int, spec: InputSpec) -> Fit:
    """Everything that the training loop needs, built from the recipe."""
    n_classes, how, sampling = recipe.task.n_classes, inference(recipe, spec), build_sampling(recipe.sampling)
    source = BatchSource(
        table=fitting.table,
        read=_read_for_training(recipe, fitting, how),
        sample=sampling.sample,
        augment=build_augment(recipe.augment),
        soften=soften_targets(recipe),
        mix=mix_batches(recipe),
        n_classes=n_classes,
        batch_size=recipe.train.batch_size,
        seed=recipe.seed,
        fold=fold,
        rows=fitting.rows,
    )
    patience = getattr(recipe.train.checkpoint, "patience_epochs", None)
    inputs = LossInputs(
        count_C=np.bincount(fitting.table.train_class_N, minlength=n_classes),
        shown_C=source.target_sums(sampling.times_shown(fitting.table)),
        task=recipe.task,
        cosine_scale=recipe.model.cosine_scale,
    )
    return Fit(
        source=source,
        selection=Selection(choosing.table, choosing.read, score_photos, patience) if choosing else None,
        objective_at=lambda progress: build_loss(recipe.loss, dataclasses.replace(inputs, progress=progress)),
        auxiliary=auxiliary_term(recipe),
        inference=how,
        config=recipe.train,
        runtime=recipe.runtime,
    )


def _read_for_training(recipe: Recipe, fitting: PhotoSet, how: Inference) -> ReadPixels:
    """Every epoch asks for the photos anew; with cached features only their making does, once."""
    if recipe.train.cached_views is not None:
        return fitting.read
    return near(how.device, fitting.read, len(fitting.table), how.spec.height_px * how.spec.width_px * 3)


def soften_targets(recipe: Recipe) -> Callable[[Tensor, Tensor], Tensor]:
    """All target transforms of the recipe, one after the other."""
    transforms = [build_target(target, recipe.task) for target in recipe.targets]

    def soften(target_NC: Tensor, age_years_N: Tensor) -> Tensor:
        return reduce(lambda rows, transform: transform(rows, age_years_N), transforms, target_NC)

    return soften


def mix_batches(recipe: Recipe) -> Mix:
    """The recipe's batch mixing; it has to know which joint classes are of the oldest group."""
    age_C = recipe.task.codes(np.arange(recipe.task.n_classes)).get("age")
    oldest = () if age_C is None else tuple(np.flatnonzero(age_C == age_C.max()).tolist())
    return build_mixing(recipe.mixing, oldest)


def auxiliary_term(recipe: Recipe) -> Callable[[Output, Tensor], Tensor] | None:
    """The recipe's further loss on the age head, if it has one."""
    if recipe.auxiliary is None or recipe.model.age_head is None:
        return None
    return build_auxiliary(recipe.auxiliary, recipe.model.age_head.first_age_years)


def score_photos(table: PhotoTable, probs_NC: Floats) -> tuple[float, float]:
    """(macro F1, accuracy) by the true classes."""
    return macro_f1(table.class_N, probs_NC), accuracy(table.class_N, probs_NC)
