from __future__ import annotations

import numpy as np
import pytest

from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.groups import JOINT, bands, hits_of, score_groups
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.seeds import rng_for

MASK = Task(attributes=("mask",))


def predictions_of(right: list[bool], person: list[str]) -> Predictions:
    """Photos of class 0, predicted rightly as given."""
    probs_NC = np.array([[0.8, 0.1, 0.1] if hit else [0.1, 0.8, 0.1] for hit in right], dtype=np.float32)
    return Predictions(
        photo_N=np.array([f"{k}.jpg" for k in range(len(right))], object),
        person_N=np.array(person, object),
        class_N=np.zeros(len(right), dtype=np.int64),
        probs_NC=probs_NC,
        seen_N=np.full(len(right), "held_out", object),
    )


def test_accuracies_and_gaps_by_hand() -> None:
    found = score_groups(
        predictions_of([True, True, True, False, False, False, True], list("abcdefg")),
        MASK,
        np.array([0, 0, 0, 0, 2, 2, -1]),
        ["first", "empty", "last"],
        rng_for(0, "test"),
    )
    assert [(group.name, group.photos, group.people) for group in found] == [("first", 4, 4), ("last", 2, 2)]
    assert [group.accuracy[JOINT].value for group in found] == [0.75, 0.0]
    assert [group.against_rest["mask"].value for group in found] == [0.75, -0.75]
    first = found[0].accuracy[JOINT]
    assert first.low < 0.75 < first.high
    assert found[1].accuracy[JOINT].high == 0.0


def test_a_group_of_one_person_has_no_interval_and_one_group_no_rest() -> None:
    (found,) = score_groups(
        predictions_of([True, False], ["a", "a"]), MASK, np.array([0, 0]), ["all"], rng_for(0, "test")
    )
    assert found.accuracy[JOINT].value == 0.5
    assert np.isnan(found.accuracy[JOINT].low)
    assert np.isnan(found.against_rest[JOINT].value)
    none = score_groups(predictions_of([True], ["a"]), MASK, np.array([-1]), ["all"], rng_for(0, "test"))
    assert none == ()


def test_whole_people_are_drawn() -> None:
    """Seven photos of a person that are right or wrong together are worth as little as one."""
    right = [True] * 12 + [False] * 8
    once = score_groups(
        predictions_of(right, [str(k) for k in range(20)]), MASK, np.zeros(20, int), ["all"], rng_for(0, "test")
    )
    seven = score_groups(
        predictions_of([hit for hit in right for _ in range(7)], [str(k // 7) for k in range(140)]),
        MASK,
        np.zeros(140, int),
        ["all"],
        rng_for(0, "test"),
    )
    widths = [found[0].accuracy[JOINT].high - found[0].accuracy[JOINT].low for found in (once, seven)]
    assert widths[0] == pytest.approx(widths[1], abs=1e-9) == pytest.approx(0.4, abs=0.1)


def test_all_photos_as_one_group_are_what_evaluate_says() -> None:
    rng = np.random.default_rng(3)
    task = Task()
    probs_NC = rng.dirichlet(np.full(18, 0.2), 60)
    class_N = rng.integers(0, 18, 60)
    predictions = Predictions(
        photo_N=np.array([str(k) for k in range(60)], object),
        person_N=np.array([str(k // 3) for k in range(60)], object),
        class_N=class_N,
        probs_NC=probs_NC,
        seen_N=np.full(60, "held_out", object),
    )
    (found,) = score_groups(predictions, task, np.zeros(60, int), ["all"], rng_for(0, "test"), resamples=300)
    whole = evaluate(predictions, task, rng_for(0, "test"), resamples=300)
    assert found.accuracy[JOINT] == whole.joint.accuracy
    assert all(found.accuracy[name] == whole.per_attribute[name].accuracy for name in task.attributes)
    assert hits_of(predictions, task)[JOINT].mean() == pytest.approx(whole.joint.accuracy.value)


def test_bands_hold_about_equally_many_and_leave_out_what_is_unknown() -> None:
    values = np.array([0.0, 0.1, 0.2, 0.3, np.nan, 0.4, 1.0])
    band_N, names = bands(values, 2, 1)
    assert band_N.tolist() == [0, 0, 1, 1, -1, 1, 1]
    assert names == ("0.0 to 0.2", "0.2 to 1.0")
    same_N, (only,) = bands(np.full(3, 2.0), 5, 0)
    assert (same_N.tolist(), only) == ([0, 0, 0], "2")
    assert bands(np.full(2, np.nan), 5, 0)[1] == ()
