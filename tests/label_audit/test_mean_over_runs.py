from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.label_audit.mean_over_runs import mean_by_photo
from maskwise.records import Predictions
from support.tables import strings


def predictions(names: str, first: list[float], ages: list[float] | None = None) -> Predictions:
    """Photos of one letter each; the first of two classes has these probabilities."""
    return Predictions(
        photo_N=strings(list(names)),
        person_N=strings([name.upper() for name in names]),
        class_N=np.zeros(len(names), dtype=np.int64),
        probs_NC=np.column_stack([first, 1 - np.array(first)]),
        seen_N=np.full(len(names), "held_out", dtype=object),
        age_years_N=None if ages is None else np.array(ages),
    )


def test_photos_are_averaged_over_the_runs_that_held_them_out() -> None:
    joined = mean_by_photo([predictions("ba", [0.2, 0.4], [20, 30]), predictions("bc", [0.6, 1.0], [40, 50])])
    assert joined.photo_N.tolist() == ["a", "b", "c"]
    assert joined.person_N.tolist() == ["A", "B", "C"]
    np.testing.assert_allclose(joined.probs_NC[:, 0], [0.4, 0.4, 1.0])
    assert joined.age_years_N is not None
    np.testing.assert_allclose(joined.age_years_N, [30, 30, 50])


def test_ages_come_from_the_runs_that_tell_them_and_only_if_all_photos_have_one() -> None:
    with_age, silent = predictions("ab", [0.5, 0.5], [20, 30]), predictions("ab", [0.5, 0.5])
    joined = mean_by_photo([silent, with_age])
    assert joined.age_years_N is not None
    np.testing.assert_allclose(joined.age_years_N, [20, 30])
    assert mean_by_photo([with_age, predictions("c", [0.5])]).age_years_N is None


def test_what_is_not_held_out_and_other_people_are_refused() -> None:
    run = predictions("ab", [0.5, 0.5])
    with pytest.raises(DataError, match="held out"):
        mean_by_photo([run, dataclasses.replace(run, seen_N=strings(["test", "test"]))])
    with pytest.raises(DataError, match="people of all runs must be the same"):
        mean_by_photo([run, dataclasses.replace(run, person_N=strings(["A", "X"]))])
