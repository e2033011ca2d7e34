from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import sklearn.metrics

from evaluation.conftest import MakePredictions
from maskwise.errors import DataError
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.labels import Task
from maskwise.records import Predictions


def test_scores_equal_scikit_learn(make_predictions: MakePredictions) -> None:
    predictions, task = make_predictions(60, photos_each=3), Task()
    found = evaluate(predictions, task, np.random.default_rng(0), resamples=50)
    read_N = predictions.probs_NC.argmax(axis=1)
    assert found.joint.macro_f1.value == pytest.approx(
        sklearn.metrics.f1_score(predictions.class_N, read_N, average="macro")
    )
    assert found.joint.accuracy.value == pytest.approx(np.mean(read_N == predictions.class_N))
    np.testing.assert_array_equal(
        found.confusion_CC, sklearn.metrics.confusion_matrix(predictions.class_N, read_N, labels=range(18))
    )
    gender_N = predictions.class_N % 6 // 3
    female_N = sum(predictions.probs_NC[:, c] for c in range(18) if c % 6 // 3 == 1)
    gender = found.per_attribute["gender"]
    assert gender.macro_f1.value == pytest.approx(
        sklearn.metrics.f1_score(gender_N, np.asarray(female_N) > 0.5, average="macro")
    )
    for c, row in enumerate(found.per_class):
        assert row.f1.value == pytest.approx(
            sklearn.metrics.f1_score(predictions.class_N == c, read_N == c, zero_division=0.0)
        )
        assert row.photos == np.sum(predictions.class_N == c)
        assert row.people == len(set(predictions.person_N[predictions.class_N == c]))


def test_an_attribute_is_read_from_its_own_probabilities_not_from_the_joint_class() -> None:
    # Joint: class 0 (worn · male) leads with 0.4, but female has 0.6 in all.
    task = Task(attributes=("mask", "gender"))
    predictions = Predictions(
        photo_N=np.array(["a"], object),
        person_N=np.array(["a"], object),
        class_N=np.array([0]),
        probs_NC=np.array([[0.4, 0.3, 0.0, 0.3, 0.0, 0.0]]),
        seen_N=np.array(["test"], object),
    )
    found = evaluate(predictions, task, np.random.default_rng(0), resamples=2)
    assert found.joint.accuracy.value == 1
    assert found.per_attribute["mask"].accuracy.value == 1
    assert found.per_attribute["gender"].accuracy.value == 0


def test_order_of_rows_changes_nothing(make_predictions: MakePredictions) -> None:
    predictions = make_predictions(40, photos_each=2)
    order = np.random.default_rng(1).permutation(80)
    first, second = (
        evaluate(rows, Task(), np.random.default_rng(0), resamples=100)
        for rows in (predictions, predictions.take(order))
    )
    close = pytest.approx(first.log_loss, rel=1e-12)
    assert second.log_loss == close
    assert dataclasses.replace(second, log_loss=first.log_loss).to_json() == first.to_json()


def test_intervals_hold_the_value_and_come_from_the_generator(make_predictions: MakePredictions) -> None:
    predictions = make_predictions(80, photos_each=2)
    runs = [evaluate(predictions, Task(), np.random.default_rng(seed), resamples=200) for seed in (0, 0, 1)]
    assert runs[0].to_json() == runs[1].to_json()
    assert runs[0].joint.accuracy != runs[2].joint.accuracy
    for scores in (runs[0].joint, *runs[0].per_attribute.values()):
        assert scores.accuracy.low < scores.accuracy.value < scores.accuracy.high


def test_interval_equals_resampling_people_the_long_way(make_predictions: MakePredictions) -> None:
    predictions = make_predictions(50, photos_each=4)
    found = evaluate(predictions, Task(), np.random.default_rng(0), resamples=1500)
    rng = np.random.default_rng(9)
    people = sorted(set(predictions.person_N))
    rows = {person: np.flatnonzero(predictions.person_N == person) for person in people}
    read_N, values = predictions.probs_NC.argmax(axis=1), []
    for _ in range(400):
        drawn = np.concatenate([rows[people[k]] for k in rng.integers(0, len(people), len(people))])
        labels = np.union1d(predictions.class_N[drawn], read_N[drawn])
        values.append(
            sklearn.metrics.f1_score(predictions.class_N[drawn], read_N[drawn], labels=labels, average="macro")
        )
    low, high = np.percentile(values, [2.5, 97.5])
    width = high - low
    assert found.joint.macro_f1.low == pytest.approx(low, abs=0.15 * width)
    assert found.joint.macro_f1.high == pytest.approx(high, abs=0.15 * width)


def test_photos_without_a_person_count_as_their_own(make_predictions: MakePredictions) -> None:
    named = make_predictions(30)
    nameless = dataclasses.replace(named, person_N=np.full(30, "", object))
    found = evaluate(nameless, Task(), np.random.default_rng(0), resamples=20)
    assert (found.n_people, found.n_photos) == (30, 30)
    assert not np.isnan(found.joint.accuracy.low)


def test_one_person_has_scores_without_intervals(make_predictions: MakePredictions) -> None:
    found = evaluate(make_predictions(1, photos_each=5), Task(), np.random.default_rng(0), resamples=20)
    assert np.isnan(found.joint.macro_f1.low)
    assert 0 <= found.joint.macro_f1.value <= 1


def test_marks_are_carried_over(make_predictions: MakePredictions) -> None:
    predictions = make_predictions(5)
    seen_N = predictions.seen_N.copy()
    seen_N[:2] = "trained_on"
    marked = dataclasses.replace(predictions, optimistic=True, seen_N=seen_N)
    found = evaluate(marked, Task(), np.random.default_rng(0), resamples=5)
    assert found.optimistic
    assert found.n_trained_on == 2


def test_everything_that_does_not_fit_is_reported_together(make_predictions: MakePredictions) -> None:
    predictions = make_predictions(4)
    unknown = dataclasses.replace(predictions, class_N=np.array([0, -1, -1, 3]))
    with pytest.raises(DataError) as refusal:
        evaluate(unknown, Task(attributes=("mask", "gender")), np.random.default_rng(0))
    probabilities, truth = refusal.value.problems
    assert re.search("must be 6, .*mask × gender, got 18", probabilities)
    assert "2 of 4 photos without one" in truth


def test_no_photos_are_refused(make_predictions: MakePredictions) -> None:
    with pytest.raises(DataError, match="at least one photo"):
        evaluate(make_predictions(3).take(np.zeros(0, np.int64)), Task(), np.random.default_rng(0))


def test_json_gives_every_number_back(make_predictions: MakePredictions) -> None:
    # Few photos: some classes have no photo, so their scores are NaN.
    found = evaluate(make_predictions(6, photos_each=2), Task(), np.random.default_rng(0), resamples=30)
    text = found.to_json()
    assert "NaN" not in text
    back = Evaluation.from_json(text)
    assert back.to_json() == text
    assert back.joint == found.joint
    np.testing.assert_array_equal(back.confusion_CC, found.confusion_CC)
    absent = [row for row in back.per_class if row.photos == 0]
    assert absent
    assert all(np.isnan(row.recall) for row in absent)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"n_photos": "x"}', "null"])
def test_other_text_is_no_evaluation(text: str) -> None:
    with pytest.raises(DataError, match="must be the JSON of an evaluation"):
        Evaluation.from_json(text)
