"""Class weights against hand-worked values and against what they promise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from maskwise.errors import DataError
from maskwise.losses.class_weights import effective_number, inverse_share, scaled, sqrt_inverse_clipped
from maskwise.records import Ints

COMPETITION_C = np.array([2745, 2050, 415, 3660, 4085, 545, *(549, 410, 83, 732, 817, 109) * 2])
"""Training photos of the competition's 18 classes."""

Rule = Callable[[Ints], NDArray[np.float64]]
RULES: list[Rule] = [
    inverse_share,
    partial(effective_number, beta=0.999),
    partial(effective_number, beta=0.9999),
    partial(sqrt_inverse_clipped, max_ratio=3.0),
]


def test_inverse_share_by_hand() -> None:
    # N = 8, K = 2: 8 / (2 · 6) and 8 / (2 · 2).
    count_C = np.array([6, 2])
    np.testing.assert_allclose(scaled(inverse_share(count_C), count_C), [2 / 3, 2.0])


def test_inverse_share_is_scikit_learns_balanced() -> None:
    labels = np.repeat(np.arange(18), COMPETITION_C)
    expected = compute_class_weight("balanced", classes=np.arange(18), y=labels)
    np.testing.assert_allclose(scaled(inverse_share(COMPETITION_C), COMPETITION_C), expected)


def test_effective_number_by_hand() -> None:
    # β = 0.5: effective numbers 1 and 1.75, weights ∝ 1 and 4/7; mean over 1 + 3 photos = (1 + 12/7) / 4 = 19/28.
    count_C = np.array([1, 3])
    np.testing.assert_allclose(scaled(effective_number(count_C, beta=0.5), count_C), [28 / 19, 16 / 19])


def test_effective_number_lies_between_equal_and_inverse() -> None:
    almost_equal_C, almost_inverse_C = (effective_number(COMPETITION_C, beta=beta) for beta in (1e-9, 1 - 1e-9))
    np.testing.assert_allclose(scaled(almost_equal_C, COMPETITION_C), np.ones(18), rtol=1e-6)
    inverse_C = scaled(inverse_share(COMPETITION_C), COMPETITION_C)
    np.testing.assert_allclose(scaled(almost_inverse_C, COMPETITION_C), inverse_C, rtol=1e-4)


def test_sqrt_inverse_clipped_by_hand() -> None:
    # ∝ 1/2 and 1; the mean over 4 + 1 photos is 3/5.
    count_C = np.array([4, 1])
    np.testing.assert_allclose(scaled(sqrt_inverse_clipped(count_C, max_ratio=5.0), count_C), [5 / 6, 5 / 3])
    # ∝ 1/10 and 1, cut off at 3/10; the mean over 101 photos is (10 + 0.3) / 101.
    count_C = np.array([100, 1])
    weight_C = scaled(sqrt_inverse_clipped(count_C, max_ratio=3.0), count_C)
    np.testing.assert_allclose(weight_C, [10.1 / 10.3, 30.3 / 10.3])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shown_C", [COMPETITION_C, np.ones(18), np.arange(18.0)], ids=["photos", "evenly", "others"])
def test_the_mean_over_what_is_shown_is_1_and_rare_classes_count_no_less(
    rule: Rule, shown_C: NDArray[np.float64]
) -> None:
    weight_C = scaled(rule(COMPETITION_C), shown_C)
    assert np.average(weight_C, weights=shown_C) == pytest.approx(1)
    assert np.all(np.diff(weight_C[np.argsort(COMPETITION_C)]) <= 1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_class_without_photos_counts_as_the_rarest_and_changes_no_other(rule: Rule) -> None:
    with_empty_C = rule(np.array([40, 0, 10]))
    np.testing.assert_allclose(with_empty_C[[0, 2]], rule(np.array([40, 10])))
    assert with_empty_C[1] == with_empty_C[2]


@pytest.mark.parametrize("count_C", [[0, 0], [3, -1], []])
def test_counts_that_cannot_be_are_refused(count_C: list[int]) -> None:
    with pytest.raises(DataError, match="training photos per class must be"):
        inverse_share(np.array(count_C))
