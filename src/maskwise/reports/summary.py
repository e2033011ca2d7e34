"""The summary of a run: what the photos look like, how well the model reads them, where it errs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwise.data.pixels import decode_photo
from maskwise.evaluation.metrics import confusion
from maskwise.evaluation.scores import Evaluation
from maskwise.evaluation.text_table import score
from maskwise.labels import Task
from maskwise.records import Image, PhotoTable, Predictions
from maskwise.reports.page import page, paragraph, picture, preformatted, section, side_by_side, table
from maskwise.reports.pictures import confusion_picture, learning_curve, mosaic

SHOWN_PEOPLE = 4
SHOWN_MISTAKES = 8


def summary_page(
    title: str,
    root: Path,
    photos: PhotoTable,
    predictions: Predictions,
    evaluation: Evaluation,
    task: Task,
    log: Path,
    how_to_repeat: str,
) -> str:
    """One HTML page about a run on the data set at ``root``; ``log`` is the first fold's log.jsonl."""
    return page(
        title,
        paragraph(
            f"Scores of {evaluation.n_photos} photos of {evaluation.n_people} people whom the model never saw, with "
            "95 % intervals by resampling people. What a model says is what a face appears to be, not what a person is."
        ),
        section("Scores", _score_table(evaluation)),
        section("The photos", picture(*_people_mosaic(root, photos))),
        section("Training", picture(_learning(log), "training loss by epoch")),
        section("What is taken for what", side_by_side(*_confusions(predictions, task))),
        section("The surest mistakes", *_mistakes(root, predictions, task)),
        section("Repeat it", preformatted(how_to_repeat)),
    )


def _score_table(evaluation: Evaluation) -> str:
    rows = [("all joint classes", evaluation.joint), *evaluation.per_attribute.items()]
    return table(
        ["", "macro F1", "accuracy"], [[name, score(part.macro_f1), score(part.accuracy)] for name, part in rows]
    )


def _people_mosaic(root: Path, photos: PhotoTable) -> tuple[bytes, str]:
    """A row a person: the first few people of different gender and age group, all their photos."""
    kinds = [*zip(photos.gender_N.tolist(), photos.class_N.tolist(), strict=True)]
    first_of: dict[tuple[int, int], str] = {}
    for person, kind in zip(photos.person_N, kinds, strict=True):
        first_of.setdefault(kind, str(person))
    people = list(dict.fromkeys(first_of.values()))[:SHOWN_PEOPLE]
    rows = [[_open(root, name) for name in photos.photo_N[photos.person_N == person]] for person in people]
    return mosaic(rows), f"all photos of {len(people)} people of the training part"


def _learning(log: Path) -> bytes:
    epochs = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    scores = [epoch["macro_f1"] for epoch in epochs]
    return learning_curve([epoch["loss"] for epoch in epochs], None if None in scores else scores)


def _confusions(predictions: Predictions, task: Task) -> list[str]:
    truth = task.codes(predictions.class_N)
    pictures = []
    for attribute in task.attributes:
        names = task.classes(attribute)
        guessed_N = task.marginal(predictions.probs_NC, attribute).argmax(axis=1)
        counts_CC = confusion(truth[attribute], guessed_N, len(names))
        pictures.append(
            picture(confusion_picture(counts_CC, names, attribute), f"{attribute}: photos by true and predicted class")
        )
    return pictures


def _mistakes(root: Path, predictions: Predictions, task: Task) -> list[str]:
    guessed_N = predictions.probs_NC.argmax(axis=1)
    wrong = np.flatnonzero(guessed_N != predictions.class_N)
    if not len(wrong):
        return [paragraph("There are none.")]
    surest = wrong[np.argsort(-predictions.probs_NC[wrong, guessed_N[wrong]], kind="stable")][:SHOWN_MISTAKES]
    names = task.class_names
    rows = [
        [
            str(predictions.photo_N[k]),
            names[predictions.class_N[k]],
            names[guessed_N[k]],
            f"{predictions.probs_NC[k, guessed_N[k]]:.2f}",
        ]
        for k in surest
    ]
    tiles: Sequence[Image] = [_open(root, str(predictions.photo_N[k])) for k in surest]
    return [
        picture(mosaic([tiles]), "the photos of the table below, from left to right"),
        table(["photo", "labelled", "appears", "probability"], rows),
    ]


def _open(root: Path, name: str) -> Image:
    return decode_photo((root / name).read_bytes(), name)
