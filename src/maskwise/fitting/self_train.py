"""Self-training: a model labels the photos that nobody labeled, and a fresh one is trained on both, round by round.

Lee 2013, "Pseudo-Label", ICML workshop WREPL. A round's folder holds what any training leaves, and the pseudo-labels
that its model gave. These are always read back from the file, so a killed run goes on with the very same ones.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from maskwise.errors import StoreError
from maskwise.fitting.distill import Teach, distill_fold
from maskwise.fitting.fold_job import FoldJob, FoldPeople, assign_people
from maskwise.fitting.one_fold import fit_and_predict, fit_model, predict_set, train_fold, write_input_spec
from maskwise.fitting.photo_set import PhotoSet, joined_sets
from maskwise.labels import UNKNOWN, Task
from maskwise.recipe.self_training_config import SelfTraining
from maskwise.records import Ints, PhotoTable, Predictions
from maskwise.seeds import rng_for
from maskwise.selftraining.build import build_selector
from maskwise.selftraining.pseudo_label_file import read_pseudo_labels, write_pseudo_labels
from maskwise.selftraining.select import PseudoLabels
from maskwise.store.layout import PSEUDO_LABELS, round_folder
from maskwise.training.batches import TargetRows
from maskwise.training.processes import from_first


def train_job(job: FoldJob, unlabeled: PhotoSet | None, teach: Teach | None = None) -> Predictions:
    """The held-out predictions of one model; with ``unlabeled`` photos it trains itself in rounds."""
    if teach is not None and job.recipe.distillation is not None:
        return distill_fold(job, job.recipe.distillation, teach)
    settings = job.recipe.self_training
    if settings is None or unlabeled is None:
        return train_fold(job)
    return self_train_fold(job, settings, unlabeled)


def self_train_fold(job: FoldJob, settings: SelfTraining, unlabeled: PhotoSet) -> Predictions:
    """Train in rounds on everybody but the held-out people, then predict those with the last round's model.

    Round 0 learns from labels alone, each later one also from the pseudo-labels of the round before. The last round's
    files lie in the job's folder itself, where those of any training lie. Pseudo-labels neither choose nor score.
    """
    write_input_spec(job)
    people = now = assign_people(job)
    for number in range(settings.rounds):
        labels = label_photos(job, settings, now, unlabeled, number)
        now = people.train_on(with_pseudo_labels(people.training, unlabeled, labels, job.recipe.task))
    job.listener.on_note(f"self-training, fold {job.fold}: round {settings.rounds}, the last")
    return fit_and_predict(job, now)


def label_photos(
    job: FoldJob, settings: SelfTraining, people: FoldPeople, unlabeled: PhotoSet, number: int
) -> PseudoLabels:
    """The pseudo-labels of round ``number``: from its folder where they are there, else of a model trained now."""
    this_round = dataclasses.replace(job, folder=round_folder(job.folder, number))
    path, task = this_round.folder / PSEUDO_LABELS, job.recipe.task
    if not from_first(path.exists):
        job.listener.on_note(f"self-training, fold {job.fold}: round {number} of {settings.rounds}")
        predictions = predict_set(this_round, fit_model(this_round, people), unlabeled, "test")
        rng = rng_for(job.recipe.seed, "pseudo-labels", job.fold, number)
        write_pseudo_labels(build_selector(settings.select)(predictions, rng), path)
    labels = from_first(lambda: read_pseudo_labels(path, task.n_classes))
    described = describe_pseudo_labels(labels, len(unlabeled.table), task)
    job.listener.on_note(f"self-training, fold {job.fold}, round {number}: {described}")
    return labels


def with_pseudo_labels(labeled: PhotoSet, unlabeled: PhotoSet, labels: PseudoLabels, task: Task) -> PhotoSet:
    """The labeled photos, one-hot and of weight 1, and behind them the pseudo-labeled ones with their rows.

    To samplers and class weights a pseudo-labeled photo is of the most probable class of its row; its age is unknown.
    """
    if not len(labels.photo_id_M):
        return labeled
    chosen = unlabeled.take(_positions(unlabeled.table, labels))
    class_M = labels.target_MC.argmax(axis=1)
    codes = task.codes(class_M)
    guessed = dataclasses.replace(
        chosen.table,
        train_class_N=class_M,
        mask_N=codes.get("mask", chosen.table.mask_N),
        gender_N=codes.get("gender", chosen.table.gender_N),
        class_N=np.full(len(class_M), UNKNOWN),
    )
    one_hot_NC = np.eye(task.n_classes, dtype=np.float32)[labeled.table.train_class_N]
    return dataclasses.replace(
        joined_sets(labeled, dataclasses.replace(chosen, table=guessed)),
        rows=TargetRows(
            np.concatenate([one_hot_NC, labels.target_MC.astype(np.float32)]),
            np.concatenate([np.ones(len(one_hot_NC), np.float32), labels.weight_M.astype(np.float32)]),
        ),
    )


def describe_pseudo_labels(labels: PseudoLabels, n_unlabeled: int, task: Task) -> str:
    """How many photos get a pseudo-label, and how many of these are of each class of each attribute."""
    count = len(labels.photo_id_M)
    if not count:
        return f"none of {n_unlabeled:,} photos gets a pseudo-label; the next round learns from labels alone"
    codes = task.codes(labels.target_MC.argmax(axis=1))
    parts = []
    for attribute in task.attributes:
        names = task.classes(attribute)
        counts = np.bincount(codes[attribute], minlength=len(names)).tolist()
        parts.append(", ".join(f"{name} {n:,} ({n / count:.1%})" for name, n in zip(names, counts, strict=True)))
    return f"{count:,} of {n_unlabeled:,} photos get a pseudo-label ({count / n_unlabeled:.1%}): {' · '.join(parts)}"


def _positions(table: PhotoTable, labels: PseudoLabels) -> Ints:
    place_of = {photo: place for place, photo in enumerate(table.photo_N.tolist())}
    unknown = [photo for photo in labels.photo_id_M.tolist() if photo not in place_of]
    if unknown:
        raise StoreError(
            f"{PSEUDO_LABELS} must name unlabeled photos of the data set, got {len(unknown)} others, first "
            f"{unknown[0]!r}. Delete the file, and train again: the run goes on from there."
        )
    return np.array([place_of[photo] for photo in labels.photo_id_M.tolist()], dtype=np.int64)
