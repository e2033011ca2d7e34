"""Scores of one set of photos: ``metric(target_N, probs_NC) -> float``, decided by the largest probability.

A confusion matrix has one row a true class and one column a predicted class. The functions that take one accept any
leading axes (``counts_RCC``: R resamples), so that intervals are computed without a loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Floats, Ints


class ClassScores(NamedTuple):
    """Scores of every class, each of shape (..., C). NaN where the score has no meaning for these photos."""

    precision_C: Floats
    """Right among the photos predicted so; NaN for a class that is never predicted."""
    recall_C: Floats
    """Found among the photos that are so; NaN for a class that has no photo."""
    f1_C: Floats
    """Harmonic mean, 2·TP / (2·TP + FP + FN); NaN for a class that is neither true nor predicted anywhere."""


def confusion(target_N: Ints, predicted_N: Ints, n_classes: int) -> Ints:
    """Photos of each true class (rows) by predicted class (columns), shape (C, C), int64.

    Raises ``DataError`` for a class outside 0 … C - 1 (an unknown class is -1: leave such photos out first).
    """
    target_N, predicted_N = np.asarray(target_N, np.int64), np.asarray(predicted_N, np.int64)
    for name, class_N in (("true class", target_N), ("predicted class", predicted_N)):
        outside_N = (class_N < 0) | (class_N >= n_classes)
        if bool(np.any(outside_N)):
            raise DataError(
                must(name, f"0 to {n_classes - 1}", int(class_N[outside_N][0]), "Leave photos of unknown class out.")
            )
    counts = np.bincount(target_N * n_classes + predicted_N, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes)


def f1_per_class(confusion_CC: Ints | Floats) -> ClassScores:
    """Precision, recall and F1 of every class from confusion counts of shape (..., C, C)."""
    hit_C = np.diagonal(confusion_CC, axis1=-2, axis2=-1).astype(np.float64)
    true_C = confusion_CC.sum(axis=-1, dtype=np.float64)
    predicted_C = confusion_CC.sum(axis=-2, dtype=np.float64)
    return ClassScores(
        _ratio(hit_C, predicted_C),
        _ratio(hit_C, true_C),
        _ratio(2 * hit_C, true_C + predicted_C),
    )


def macro_f1_of(confusion_CC: Ints | Floats) -> Any:
    """Mean F1 over the classes that are true or predicted somewhere; a float64 of shape (...)."""
    f1_C = f1_per_class(confusion_CC).f1_C
    occurs_C = ~np.isnan(f1_C)
    return _ratio(np.where(occurs_C, f1_C, 0.0).sum(axis=-1), occurs_C.sum(axis=-1, dtype=np.float64))


def accuracy_of(confusion_CC: Ints | Floats) -> Any:
    """Share of photos on the diagonal; a float64 of shape (...)."""
    hits = np.trace(confusion_CC, axis1=-2, axis2=-1).astype(np.float64)
    return _ratio(hits, confusion_CC.sum(axis=(-2, -1), dtype=np.float64))


def macro_f1(target_N: Ints, probs_NC: Floats) -> float:
    """Macro F1 of the most probable class, equal to scikit-learn's ``f1_score(average="macro")``.

    Classes that are neither true nor predicted anywhere are left out of the mean; NaN for no photos at all.
    """
    return float(macro_f1_of(confusion(target_N, probs_NC.argmax(axis=1), probs_NC.shape[1])))


def accuracy(target_N: Ints, probs_NC: Floats) -> float:
    """Share of photos whose most probable class is the true one; NaN for no photos at all."""
    return float(accuracy_of(confusion(target_N, probs_NC.argmax(axis=1), probs_NC.shape[1])))


def log_loss(target_N: Ints, probs_NC: Floats) -> float:
    """Mean of -ln(probability of the true class), in nats.

    Probabilities are kept above the rounding step of their type, as scikit-learn does, so one photo that was given
    0 costs a lot (16 nats in float32) but not everything.
    """
    true_N = probs_NC[np.arange(len(probs_NC)), np.asarray(target_N, np.int64)].astype(np.float64)
    step = float(np.finfo(probs_NC.dtype).eps)
    return float(-np.log(np.clip(true_N, step, 1 - step)).mean()) if len(true_N) else float("nan")


def _ratio(part: Any, whole: Any) -> Any:
    """``part / whole``, NaN (without a warning) where ``whole`` is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
