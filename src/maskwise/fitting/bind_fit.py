"""Everything that the training loop is given, built from a recipe and its photos."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial, reduce

import numpy as np
from torch import Tensor

from maskwise.augment.build import Mix, build_augment, build_mixing
from maskwise.evaluation.metrics import accuracy, macro_f1
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import inference, input_spec
from maskwise.losses.build import LossInputs, build_auxiliary, build_loss, build_target
from maskwise.losses.distillation import distilled
from maskwise.recipe.config import Recipe
from maskwise.records import Floats, Output, PhotoTable
from maskwise.sampling.build import build_sampling
from maskwise.training.batches import BatchSource, ReadPixels
from maskwise.training.inference import Inference
from maskwise.training.photos_on_gpu import near
from maskwise.training.training_inputs import Fit, Selection


def bind_fit(recipe: Recipe, training: PhotoSet, validation: PhotoSet | None = None, fold: int = 0) -> Fit:
    """What the loop needs to train a model of ``recipe`` on the training photos of a fold."""
    how, sampling = inference(recipe, input_spec(recipe)), build_sampling(recipe.sampling)
    source = BatchSource(
        table=training.table,
        read=_read_for_training(recipe, training, how),
        sample=sampling.sample,
        augment=build_augment(recipe.augment),
        soften=soften_targets(recipe),
        mix=mix_batches(recipe),
        n_classes=recipe.task.n_classes,
        batch_size=recipe.train.batch_size,
        seed=recipe.seed,
        fold=fold,
        rows=training.rows,
    )
    inputs = LossInputs(
        count_C=np.bincount(training.table.train_class_N, minlength=recipe.task.n_classes),
        shown_C=source.target_sums(sampling.times_shown(training.table)),
        task=recipe.task,
        cosine_scale=recipe.model.cosine_scale,
    )
    return Fit(
        source=source,
        selection=None if validation is None else _selection(recipe, validation),
        objective_at=lambda progress: build_loss(recipe.loss, dataclasses.replace(inputs, progress=progress)),
        auxiliary=auxiliary_term(recipe),
        distilled=_distilled(recipe),
        inference=how,
        config=recipe.train,
        runtime=recipe.runtime,
    )


def _selection(recipe: Recipe, validation: PhotoSet) -> Selection:
    patience = getattr(recipe.train.checkpoint, "patience_epochs", None)
    return Selection(validation.table, validation.read, score_photos, patience)


def _read_for_training(recipe: Recipe, training: PhotoSet, how: Inference) -> ReadPixels:
    """Every epoch reads the photos anew; with cached features only their making does, once."""
    if recipe.train.cached_views is not None:
        return training.read
    return near(how.device, training.read, len(training.table), how.spec.height_px * how.spec.width_px * 3)


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


def _distilled(recipe: Recipe) -> Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] | None:
    settings = recipe.distillation
    return None if settings is None else partial(distilled, share=settings.share, temperature=settings.temperature)


def score_photos(table: PhotoTable, probs_NC: Floats) -> tuple[float, float]:
    """(macro F1, accuracy) by the true classes."""
    return macro_f1(table.class_N, probs_NC), accuracy(table.class_N, probs_NC)
