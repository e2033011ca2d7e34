from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import DataError
from maskwise.evaluation.metrics import (
    accuracy,
    accuracy_of,
    confusion,
    f1_per_class,
    log_loss,
    macro_f1,
    macro_f1_of,
)
from maskwise.records import Floats, Ints

# Six photos of three classes: truth 0 0 0 1 1 2, read as 0 0 1 1 2 2.
TRUTH_N = np.array([0, 0, 0, 1, 1, 2])
READ_N = np.array([0, 0, 1, 1, 2, 2])


def certain(class_N: Ints, n_classes: int) -> Floats:
    """Probabilities that are 1 for the given classes."""
    return np.eye(n_classes)[class_N]


def test_three_classes_by_hand() -> None:
    table = confusion(TRUTH_N, READ_N, 3)
    assert table.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    scores = f1_per_class(table)
    np.testing.assert_allclose(scores.precision_C, [1, 1 / 2, 1 / 2])
    np.testing.assert_allclose(scores.recall_C, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(scores.f1_C, [4 / 5, 1 / 2, 2 / 3])
    assert macro_f1(TRUTH_N, certain(READ_N, 3)) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert accuracy(TRUTH_N, certain(READ_N, 3)) == pytest.approx(4 / 6)


def test_class_that_occurs_nowhere_is_left_out_of_the_mean() -> None:
    scores = f1_per_class(confusion(TRUTH_N, READ_N, 5))
    assert np.isnan(scores.f1_C[3:]).all()
    assert macro_f1(TRUTH_N, certain(READ_N, 5)) == macro_f1(TRUTH_N, certain(READ_N, 3))


def test_class_only_in_the_truth_or_only_predicted_counts_as_zero() -> None:
    scores = f1_per_class(confusion(np.array([0, 0]), np.array([0, 1]), 2))
    np.testing.assert_allclose(scores.f1_C, [2 / 3, 0])
    assert np.isnan(scores.recall_C[1])
    never_predicted = f1_per_class(confusion(np.array([0, 1]), np.array([0, 0]), 2))
    assert np.isnan(never_predicted.precision_C[1])
    assert never_predicted.f1_C[1] == 0


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Few photos for 18 classes: some classes are only predicted, some only true, some neither.
    target_N = rng.integers(0, 15, 40)
    probs_NC = rng.dirichlet(np.ones(18), size=40)
    read_N = probs_NC.argmax(axis=1)
    assert macro_f1(target_N, probs_NC) == pytest.approx(
        sklearn.metrics.f1_score(target_N, read_N, average="macro"), abs=1e-12
    )
    assert accuracy(target_N, probs_NC) == sklearn.metrics.accuracy_score(target_N, read_N)
    table = confusion(target_N, read_N, 18)
    np.testing.assert_array_equal(table, sklearn.metrics.confusion_matrix(target_N, read_N, labels=range(18)))
    precision_C, recall_C, f1_C, _ = sklearn.metrics.precision_recall_fscore_support(
        target_N, read_N, labels=range(18), zero_division=np.nan
    )
    scores = f1_per_class(table)
    np.testing.assert_allclose(scores.precision_C, precision_C)
    np.testing.assert_allclose(scores.recall_C, recall_C)
    np.testing.assert_allclose(scores.f1_C, f1_C)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_equal_to_scikit_learn(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(3)
    probs_NC = rng.dirichlet(np.ones(4), size=50).astype(dtype)
    probs_NC[0] = [0, 0, 0, 1]
    target_N = np.concatenate([[0], rng.integers(0, 4, 49)])
    expected = sklearn.metrics.log_loss(target_N, probs_NC, labels=range(4))
    assert log_loss(target_N, probs_NC) == pytest.approx(expected, rel=1e-5)


def test_log_loss_by_hand() -> None:
    probs_NC = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert log_loss(np.array([0, 0]), probs_NC) == pytest.approx((np.log(2) + np.log(4)) / 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_same_under_reordering(pairs: list[tuple[int, int]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(pairs))
    target_N, read_N = np.array(pairs).T
    for metric in (macro_f1, accuracy, log_loss):
        first = metric(target_N, certain(read_N, 4))
        assert metric(target_N[order], certain(read_N[order], 4)) == pytest.approx(first, abs=1e-12)


@given(st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_same_when_classes_are_renamed(names: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    target_N, read_N = rng.integers(0, 4, 20), rng.integers(0, 4, 20)
    renamed_C = np.array(names)
    first = macro_f1(target_N, certain(read_N, 4))
    assert macro_f1(renamed_C[target_N], certain(renamed_C[read_N], 4)) == pytest.approx(first, abs=1e-12)


def test_tables_with_leading_axes_are_scored_one_by_one() -> None:
    rng = np.random.default_rng(0)
    tables_RCC = rng.integers(0, 4, (7, 3, 3))
    np.testing.assert_allclose(macro_f1_of(tables_RCC), [macro_f1_of(table) for table in tables_RCC])
    np.testing.assert_allclose(accuracy_of(tables_RCC), [accuracy_of(table) for table in tables_RCC])


def test_no_photos_have_no_score() -> None:
    nobody = np.zeros(0, np.int64)
    for metric in (macro_f1, accuracy, log_loss):
        assert np.isnan(metric(nobody, np.zeros((0, 3))))


@pytest.mark.parametrize("bad", [-1, 3])
def test_class_outside_the_table_is_refused(bad: int) -> None:
    with pytest.raises(DataError, match=f"true class must be 0 to 2, got {bad}"):
        confusion(np.array([0, bad]), np.array([0, 0]), 3)
