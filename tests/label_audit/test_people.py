"""The audit on probabilities whose truth is known: wrong labels are planted, and have to come out on top."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import softmax

from maskwise.errors import DataError
from maskwise.label_audit.confident_learning import confident_learning
from maskwise.label_audit.people import FAULTS, Audit, LabelFault, audit_people
from maskwise.labels import Task
from maskwise.records import Ints, PhotoTable, Predictions, Strings
from support.tables import people_table, strings

TASK = Task()
PEOPLE, WRONG = 600, 12


class Planted(NamedTuple):
    """Labels of which some are wrong, and what a model says that was trained on others."""

    table: PhotoTable
    predictions: Predictions
    folder_N: Strings
    kind_of: dict[str, LabelFault]


def planted(seed: int) -> Planted:
    """Seven photos a person, read with errors that a person's photos share; four wrong labels of each kind."""
    rng = np.random.default_rng(seed)
    truth = people_table(PEOPLE, rng)
    truth = dataclasses.replace(truth, photo_N=strings([f"train/images/{p}/{k}" for k, p in enumerate(truth.person_N)]))
    person_N = np.repeat(np.arange(PEOPLE), 7)
    kind_of = dict[str, LabelFault]()
    gender_N, age_years_N, mask_N = truth.gender_N.copy(), truth.age_years_N.copy(), truth.mask_N.copy()
    for number, person in enumerate(rng.choice(PEOPLE, WRONG, replace=False).tolist()):
        mine = person_N == person
        kind = kind_of[f"{person:06}"] = FAULTS[number % 3]
        if kind == "gender":
            gender_N[mine] = 1 - gender_N[mine]
        elif kind == "age":
            age_years_N[mine] += np.where(age_years_N[mine] < 45, 28, -28)
        else:
            mask_N[mine] = np.where(mask_N[mine] > 0, 3 - mask_N[mine], 0)
    labeled = TASK.label(dataclasses.replace(truth, gender_N=gender_N, age_years_N=age_years_N, mask_N=mask_N))
    return Planted(labeled, _read(truth, labeled, person_N, rng), labeled.person_N, kind_of)


def _read(truth: PhotoTable, labeled: PhotoTable, person_N: Ints, rng: np.random.Generator) -> Predictions:
    mask_logits = 7.0 * np.eye(3)[truth.mask_N] + rng.normal(0, 1.6, (len(truth), 3))
    sure_N = 2.2 + rng.normal(0, 1.0, PEOPLE)[person_N] + rng.normal(0, 0.8, len(truth))
    female_N = np.where(truth.gender_N == 1, 1, -1) * sure_N
    years_N = truth.age_years_N + rng.normal(0, 6, PEOPLE)[person_N] + rng.normal(0, 4, len(truth))
    age_logits = np.column_stack([(30 - years_N) / 6, np.zeros(len(truth)), (years_N - 60) / 6])
    gender_logits = np.column_stack([np.zeros(len(truth)), female_N])
    logits = mask_logits[:, :, None, None] + gender_logits[:, None, :, None] + age_logits[:, None, None, :]
    return Predictions(
        photo_N=truth.photo_N,
        person_N=truth.person_N,
        class_N=labeled.class_N,
        probs_NC=softmax(logits.reshape(len(truth), 18), axis=1),
        seen_N=np.full(len(truth), "held_out", dtype=object),
        age_years_N=years_N,
    )


def audit_of(made: Planted) -> Audit:
    return audit_people(made.predictions, made.table, made.folder_N, TASK)


def test_most_of_what_was_planted_is_on_top_and_its_kind_is_reported() -> None:
    found = kinds_right = cleanlab_found = 0
    for seed in range(2):
        made = planted(seed)
        audit = audit_of(made)
        top = audit.ranking()[:WRONG]
        hits = [place for place in top if audit.folder_P[place] in made.kind_of]
        found += len(hits)
        kinds_right += sum(FAULTS[audit.kind()[place]] == made.kind_of[audit.folder_P[place]] for place in hits)
        quality_P = np.min([audit.quality_K[kind] for kind in FAULTS], axis=0)
        cleanlab_found += sum(audit.folder_P[place] in made.kind_of for place in np.argsort(quality_P)[:WRONG])
    assert found >= 0.7 * 2 * WRONG
    assert kinds_right == found
    assert found >= cleanlab_found


def test_sound_labels_are_left_alone() -> None:
    made = planted(5)
    audit = audit_of(made)
    sound = np.array([folder not in made.kind_of for folder in audit.folder_P])
    assert np.sum(audit.wrong()[sound] > 0.5) <= 3
    assert np.median(audit.wrong()[sound]) < 0.01


def test_the_order_of_the_photos_plays_no_part() -> None:
    made = planted(6)
    one = audit_of(made)
    order = np.random.default_rng(0).permutation(len(made.table))
    shuffled = Planted(made.table.take(order), made.predictions.take(order), made.folder_N[order], made.kind_of)
    np.testing.assert_allclose(audit_of(shuffled).log_odds_PK, one.log_odds_PK, atol=0.02)
    assert sorted(one.ranking().tolist()) == list(range(PEOPLE))


def test_what_was_trained_on_and_other_photos_are_refused() -> None:
    made = planted(7)
    seen_N = made.predictions.seen_N.copy()
    seen_N[3] = "trained_on"
    with pytest.raises(DataError, match="an audit of labels must be held out"):
        audit_people(dataclasses.replace(made.predictions, seen_N=seen_N), made.table, made.folder_N, TASK)
    with pytest.raises(DataError, match="the same ones"):
        audit_people(made.predictions, made.table.take(np.arange(len(made.table))[::-1]), made.folder_N, TASK)


def test_attributes_that_a_task_lacks_are_not_judged() -> None:
    made = planted(8)
    task = Task(attributes=("mask",))
    predictions = dataclasses.replace(
        made.predictions, probs_NC=TASK.marginal(made.predictions.probs_NC, "mask"), age_years_N=None
    )
    audit = audit_people(predictions, task.label(made.table), made.folder_N, task)
    assert {*audit.share_K} == {"photos"}
    assert np.isneginf(audit.log_odds_PK[:, :2]).all()
    assert np.isnan(audit.female_P).all()


def test_people_of_whom_nothing_is_known_come_last() -> None:
    made = planted(9)
    unknown = made.table.person_N == made.table.person_N[0]
    gender_N = np.where(unknown, -1, made.table.gender_N)
    age_years_N = np.where(unknown, -1, made.table.age_years_N)
    mask_N = np.where(unknown, 0, made.table.mask_N)
    table = dataclasses.replace(made.table, gender_N=gender_N, age_years_N=age_years_N, mask_N=mask_N)
    audit = audit_people(made.predictions, table, made.folder_N, TASK)
    place = int(np.flatnonzero(audit.folder_P == made.table.person_N[0])[0])
    assert np.isneginf(audit.log_odds_PK[place]).all()
    assert audit.ranking()[-1] == place


def test_cleanlab_agrees_where_readings_are_sharp() -> None:
    label_M = np.array([0, 0, 0, 1, 1, 1, 1])
    probs_M2 = np.array([[0.9, 0.1]] * 3 + [[0.1, 0.9]] * 3 + [[0.95, 0.05]])
    opinion = confident_learning(label_M, probs_M2)
    assert opinion.quality_M.argmin() == 6
    assert opinion.wrong == 1
    assert confident_learning(np.zeros(3, dtype=np.int64), probs_M2[:3]).wrong == 0
