"""Folds become one: the mean, or votes with ties worked by hand."""

from __future__ import annotations

import numpy as np

from maskwise.ensembles.vote_members import vote_folds
from maskwise.probabilities import Probabilities


def fold(*rows: list[float], years: float | None = None) -> Probabilities:
    return Probabilities(np.array(rows, dtype=np.float32), None if years is None else np.array([years] * len(rows)))


def test_soft_folds_are_averaged_and_hard_ones_have_a_vote_each() -> None:
    # Two folds prefer class 0 a little, the third prefers class 1 by far: the vote and the mean differ.
    folds = [fold([0.5, 0.4, 0.1], years=20), fold([0.5, 0.4, 0.1], years=30), fold([0.0, 0.9, 0.1], years=70)]
    soft, hard = vote_folds(folds, "soft"), vote_folds(folds, "hard")
    np.testing.assert_allclose(soft.probs_NC, [[1 / 3, 1.7 / 3, 0.1]], rtol=1e-6)
    np.testing.assert_allclose(hard.probs_NC, [[2 / 3, 1 / 3, 0]] + 0.001 * (soft.probs_NC - [[2 / 3, 1 / 3, 0]]))
    assert soft.probs_NC.argmax() == 1
    assert hard.probs_NC.argmax() == 0
    assert soft.age_years_N == hard.age_years_N == np.array([40.0])


def test_a_tie_goes_to_the_class_of_the_highest_mean_among_the_tied_photo_by_photo() -> None:
    # First photo: classes 0 and 1 have a vote each, means 0.3 and 0.35; class 2 has the mean 0.35 and no vote.
    # Second photo: the other way round. Equal means: the first class.
    folds = [
        fold([0.5, 0.1, 0.4], [0.5, 0.2, 0.3], [0.6, 0.4, 0.0]),
        fold([0.1, 0.6, 0.3], [0.2, 0.4, 0.4], [0.4, 0.6, 0.0]),
    ]
    assert vote_folds(folds, "hard").probs_NC.argmax(axis=1).tolist() == [1, 0, 0]


def test_a_single_fold_is_itself_either_way() -> None:
    one = fold([0.2, 0.8], years=33)
    assert np.array_equal(vote_folds([one], "hard").probs_NC, one.probs_NC)
    assert np.array_equal(vote_folds([one], "soft").probs_NC, one.probs_NC)
