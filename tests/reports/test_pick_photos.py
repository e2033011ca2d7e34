from __future__ import annotations

import numpy as np
import pytest

from maskwise.records import Predictions
from maskwise.reports.pick_photos import hardest_people, surest_mistakes, typical_hits


def predictions_of(rows: list[tuple[str, int, int, float]]) -> Predictions:
    """(person, true class, class read, its probability) of each photo, three classes."""
    probs_NC = np.array([[sure if code == read else (1 - sure) / 2 for code in range(3)] for _, _, read, sure in rows])
    return Predictions(
        photo_N=np.array([f"{9 - k}.jpg" for k in range(len(rows))], object),
        person_N=np.array([person for person, *_ in rows], object),
        class_N=np.array([true for _, true, *_ in rows]),
        probs_NC=probs_NC,
        seen_N=np.full(len(rows), "held_out", object),
    )


PHOTOS = predictions_of(
    [("a", 0, 1, 0.9), ("a", 0, 1, 0.8), ("b", 1, 1, 0.9), ("b", 1, 2, 0.6), ("c", 2, 2, 0.5), ("c", 2, 2, 0.7)]
)


def test_the_surest_mistakes_come_first_and_one_a_person() -> None:
    assert surest_mistakes(PHOTOS, 9).tolist() == [0, 3]
    assert surest_mistakes(PHOTOS, 1).tolist() == [0]
    assert surest_mistakes(PHOTOS.take(np.array([2, 4])), 9).tolist() == []


def test_typical_hits_are_of_median_confidence_and_of_different_classes() -> None:
    sure = predictions_of([("a", 0, 0, p) for p in (0.5, 0.9, 0.7)] + [("b", 1, 1, 0.6), ("c", 2, 1, 0.9)])
    assert typical_hits(sure, 5).tolist() == [2, 3]
    assert typical_hits(sure, 1).tolist() == [2]


def test_the_hardest_people_by_hand() -> None:
    first, second, third = hardest_people(PHOTOS, 9)
    assert [person.person for person in (first, second, third)] == ["a", "b", "c"]
    assert (first.wrong, second.wrong, third.wrong) == (2, 1, 0)
    assert first.log_loss == pytest.approx(-(np.log(0.05) + np.log(0.1)) / 2)
    assert first.rows.tolist() == [1, 0]  # by the photos' names
    assert len(hardest_people(PHOTOS, 2)) == 2
