"""The story of one fold: train a model on everybody but the held-out people, then predict those."""

from __future__ import annotations

import dataclasses
import json
from typing import Literal

import numpy as np
import torch

from maskwise.files import write_atomically
from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.cached_features import predict_from_features, train_on_features
from maskwise.fitting.expected_time import with_pace
from maskwise.fitting.fold_job import FoldJob, FoldPeople, assign_people
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import inference, input_spec
from maskwise.models.build import MaskwiseModel, build_model
from maskwise.records import Predictions
from maskwise.seeds import torch_seed_for
from maskwise.store.layout import INPUT
from maskwise.training.inference import predict_table
from maskwise.training.loop import train_model


def train_fold(job: FoldJob) -> Predictions:
    """Train one model of a fold; its predictions of the held-out people. Leaves weights and input spec in the folder.

    After a kill the same call goes on where it was stopped, and loads what was finished.
    """
    write_input_spec(job)
    people = assign_people(job)
    if job.model.name:
        note = f"fold {job.fold}, {job.model.name}: trains on {len(people.training.table):,} photos"
        job.listener.on_note(note)
    n_photos, batch_size = len(people.training.table), job.recipe.train.batch_size
    if batch_size > n_photos:
        note = f"train.batch_size is {batch_size}, but {n_photos} photos train in fold {job.fold}: all are one batch"
        job.listener.on_note(note)
    return fit_and_predict(job, people)


def fit_and_predict(job: FoldJob, people: FoldPeople) -> Predictions:
    """Train a model, and predict the held-out people with it."""
    return predict_set(job, fit_model(job, people), people.held_out, "held_out")


def write_input_spec(job: FoldJob) -> None:
    """How a photo becomes the model's input, kept beside the weights."""
    spec = dataclasses.asdict(input_spec(job.recipe))
    write_atomically(job.folder / INPUT, json.dumps(spec, indent=2) + "\n")


def fit_model(job: FoldJob, people: FoldPeople) -> MaskwiseModel:
    """A fresh model, trained in the job's folder, or what was trained there; the same first weights always."""
    recipe, job = job.recipe, dataclasses.replace(job, listener=with_pace(job))
    fit = bind_fit(recipe, people.training, people.validation, job.fold)
    torch.manual_seed(torch_seed_for(recipe.seed, "weights", job.fold))
    model = build_model(recipe.model, recipe.task)
    if recipe.train.cached_views is None:
        train_model(fit, model, job.folder, job.listener)
    else:
        train_on_features(job, people, fit, model)
    return model


def predict_set(
    job: FoldJob, model: MaskwiseModel, photos: PhotoSet, seen: Literal["held_out", "test", "trained_on"]
) -> Predictions:
    """What the trained model predicts for ``photos``; ``seen`` says how it came to see them."""
    how, table = inference(job.recipe, input_spec(job.recipe)), photos.table
    if job.recipe.train.cached_views is None:
        predicted = predict_table(model, photos.read, len(table), how)
    else:
        predicted = predict_from_features(job, model, photos, how)
    return Predictions(
        photo_N=table.photo_N,
        person_N=table.person_N,
        class_N=table.class_N,
        probs_NC=predicted.probs_NC.reshape(len(table), job.recipe.task.n_classes),  # for no photos, too
        age_years_N=predicted.age_years_N,
        seen_N=np.full(len(table), seen, dtype=object),
        optimistic=job.recipe.optimistic,
    )
