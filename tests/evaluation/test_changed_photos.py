from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np

from evaluation.conftest import MakePredictions
from maskwise.evaluation.changed_photos import changed_csv, changed_photos
from maskwise.evaluation.comparison import compare
from maskwise.labels import Task
from maskwise.records import Ints, Predictions

TASK = Task(attributes=("mask",))


def decided(like: Predictions, decided_N: Ints) -> Predictions:
    return dataclasses.replace(like, probs_NC=np.eye(3)[decided_N])


def test_changes_by_hand(make_predictions: MakePredictions) -> None:
    photos = dataclasses.replace(make_predictions(4, task=TASK), class_N=np.array([0, 1, 2, 0]))
    a, b = decided(photos, np.array([0, 0, 0, 1])), decided(photos, np.array([0, 1, 1, 2]))
    found = changed_photos(a, b)
    assert [(each.photo[-5:], each.change) for each in found] == [
        ("1.jpg", "better"),
        ("2.jpg", "other"),
        ("3.jpg", "other"),
    ]
    assert [each.change for each in changed_photos(b, a)] == ["worse", "other", "other"]
    assert [round(each.label_gain, 6) for each in found] == [1.0, 0.0, 0.0]
    assert changed_photos(a, a) == []
    rows = list(csv.DictReader(io.StringIO(changed_csv([("b", found)], TASK))))
    assert rows[0] == {
        "run": "b",
        "photo": found[0].photo,
        "person": found[0].person,
        "true_class": "1",
        "class_a": "0",
        "class_b": "1",
        "true_name": "incorrect",
        "name_a": "worn",
        "name_b": "incorrect",
        "change": "better",
    }


def test_better_and_worse_are_mcnemars_counts(make_predictions: MakePredictions) -> None:
    a = make_predictions(50, 2, seed=0, task=TASK)
    b = dataclasses.replace(a, probs_NC=np.roll(a.probs_NC, 1, axis=1)[::-1].copy())
    changes = [each.change for each in changed_photos(a, b)]
    test = compare(a, b, TASK, np.random.default_rng(0), resamples=2).mcnemar
    assert test is not None
    assert (changes.count("worse"), changes.count("better")) == (test.only_a, test.only_b)
