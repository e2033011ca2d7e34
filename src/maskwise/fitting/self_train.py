"""Self-training: a model labels the photos that nobody labelled, and a fresh one is trained on both, round by round.

Lee 2013, "Pseudo-Label", ICML workshop WREPL. A round's folder holds what any training leaves, and the pseudo-labels
that its model gave. These are always read back from the file, so a killed run goes on with the very same ones.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.chance import rng_for
from maskwise.errors import StoreError
from maskwise.fitting.one_fold import FoldPeople, answer, fit_and_predict, fit_model, part_people, write_input_spec
from maskwise.fitting.photo_set import PhotoSet, joined
from maskwise.fitting.photos import inference
from maskwise.labels import UNKNOWN, Task
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.self_training_config import SelfTraining
from maskwise.records import InputSpec, Ints, PhotoTable, Predictions
from maskwise.selftraining.build import build_selector
from maskwise.selftraining.pseudo_label_file import read_pseudo_labels, write_pseudo_labels
from maskwise.selftraining.select import PseudoLabels
from maskwise.store.layout import PSEUDO_LABELS, round_folder
from maskwise.training.batches import TargetRows


@dataclasses.dataclass(frozen=True)
class Round:
    """A training before the last: what it is made of, and where it leaves its pseudo-labels."""

    recipe: Recipe
    settings: SelfTraining
    people: FoldPeople
    unlabelled: PhotoSet
    fold: int
    number: int
    spec: InputSpec
    folder: Path


def self_train_fold(
    recipe: Recipe,
    settings: SelfTraining,
    photos: PhotoSet,
    unlabelled: PhotoSet,
    held_out: NDArray[np.bool_],
    fold: int,
    spec: InputSpec,
    folder: Path,
    listener: Listener,
) -> Predictions:
    """Train in rounds on everybody but the held-out people, then predict those with the last round's model.

    Round 0 learns from labels alone, each later one also from the pseudo-labels of the round before. The last round's
    files lie in ``folder`` itself, where those of any training lie. Pseudo-labels neither choose nor score.
    """
    write_input_spec(spec, folder)
    people = part_people(recipe, photos, held_out, fold)
    fitting = people.fitting
    for number in range(settings.rounds):
        place = round_folder(folder, number)
        now = dataclasses.replace(people, fitting=fitting)
        labels = label_strangers(Round(recipe, settings, now, unlabelled, fold, number, spec, place), listener)
        fitting = with_pseudo_labels(people.fitting, unlabelled, labels, recipe.task)
    listener.on_note(f"self-training, fold {fold}: round {settings.rounds}, the last")
    return fit_and_predict(recipe, dataclasses.replace(people, fitting=fitting), fold, spec, folder, listener)


def label_strangers(now: Round, listener: Listener) -> PseudoLabels:
    """The round's pseudo-labels: from its folder where they are there, else of a model that is trained now."""
    path, task = now.folder / PSEUDO_LABELS, now.recipe.task
    if not path.exists():
        listener.on_note(f"self-training, fold {now.fold}: round {now.number} of {now.settings.rounds}")
        model = fit_model(now.recipe, now.people, now.fold, now.spec, now.folder, listener)
        table = now.unlabelled.table
        answers = answer(now.recipe, model, now.unlabelled, inference(now.recipe, now.spec), listener)
        predictions = Predictions(
            photo_N=table.photo_N,
            person_N=table.person_N,
            class_N=table.class_N,
            probs_NC=answers.probs_NC.reshape(len(table), task.n_classes),  # for no photos, too
            seen_N=np.full(len(table), "test", dtype=object),
        )
        chance = rng_for(now.recipe.seed, "pseudo-labels", now.fold, now.number)
        write_pseudo_labels(build_selector(now.settings.select)(predictions, chance), path)
    labels = read_pseudo_labels(path, task.n_classes)
    told = describe_pseudo_labels(labels, len(now.unlabelled.table), task)
    listener.on_note(f"self-training, fold {now.fold}, round {now.number}: {told}")
    return labels


def with_pseudo_labels(labelled: PhotoSet, unlabelled: PhotoSet, labels: PseudoLabels, task: Task) -> PhotoSet:
    """The labelled photos, one-hot and of weight 1, and behind them the pseudo-labelled ones with their rows.

    To samplers and class weights a pseudo-labelled photo is of the most probable class of its row; its age is unknown.
    """
    if not len(labels.photo_id_M):
        return labelled
    chosen = unlabelled.take(_positions(unlabelled.table, labels))
    class_M = labels.target_MC.argmax(axis=1)
    codes = task.codes(class_M)
    guessed = dataclasses.replace(
        chosen.table,
        train_class_N=class_M,
        mask_N=codes.get("mask", chosen.table.mask_N),
        gender_N=codes.get("gender", chosen.table.gender_N),
        class_N=np.full(len(class_M), UNKNOWN),
    )
    one_hot_NC = np.eye(task.n_classes, dtype=np.float32)[labelled.table.train_class_N]
    return dataclasses.replace(
        joined(labelled, dataclasses.replace(chosen, table=guessed)),
        rows=TargetRows(
            np.concatenate([one_hot_NC, labels.target_MC.astype(np.float32)]),
            np.concatenate([np.ones(len(one_hot_NC), np.float32), labels.weight_M.astype(np.float32)]),
        ),
    )


def describe_pseudo_labels(labels: PseudoLabels, n_unlabelled: int, task: Task) -> str:
    """How many photos get a pseudo-label, and how many of these are of each class of each attribute."""
    count = len(labels.photo_id_M)
    if not count:
        return f"none of {n_unlabelled:,} photos gets a pseudo-label; the next round learns from labels alone"
    codes = task.codes(labels.target_MC.argmax(axis=1))
    parts = []
    for attribute in task.attributes:
        names = task.classes(attribute)
        counts = np.bincount(codes[attribute], minlength=len(names)).tolist()
        parts.append(", ".join(f"{name} {n:,} ({n / count:.1%})" for name, n in zip(names, counts, strict=True)))
    return f"{count:,} of {n_unlabelled:,} photos get a pseudo-label ({count / n_unlabelled:.1%}): {' · '.join(parts)}"


def _positions(table: PhotoTable, labels: PseudoLabels) -> Ints:
    place_of = {photo: place for place, photo in enumerate(table.photo_N.tolist())}
    unknown = [photo for photo in labels.photo_id_M.tolist() if photo not in place_of]
    if unknown:
        raise StoreError(
            f"{PSEUDO_LABELS} must name unlabelled photos of the data set, got {len(unknown)} others, first "
            f"{unknown[0]!r}. Delete the file, and train again: the run goes on from there."
        )
    return np.array([place_of[photo] for photo in labels.photo_id_M.tolist()], dtype=np.int64)
