"""Where a run errs most: the surest mistakes, and the people whom it predicts worst."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskwise.evaluation.run_counts import units
from maskwise.records import Floats, Ints, Predictions

_LEAST_PROBABILITY = 1e-12


class HardPerson(NamedTuple):
    """One person, all photos of whom were predicted."""

    person: str
    rows: Ints
    """Positions of the person's photos, sorted by name."""
    wrong: int
    """Photos whose joint class is predicted wrongly."""
    log_loss: float
    """Mean of −ln(probability of the labeled class), in nats a photo."""


def surest_mistakes(predictions: Predictions, most: int) -> Ints:
    """Positions of up to ``most`` photos that are predicted wrongly, the surest first, one per person at the most.

    Photos of one person are wrong together, often for one wrong label: seven times the same face shows nothing new.
    """
    guessed_N = predictions.probs_NC.argmax(axis=1)
    wrong = np.flatnonzero(guessed_N != predictions.class_N)
    order = wrong[np.argsort(-predictions.probs_NC[wrong, guessed_N[wrong]], kind="stable")]
    _, first = np.unique(units(predictions)[order].astype(str), return_index=True)
    return np.asarray(order[np.sort(first)][:most])


def typical_hits(predictions: Predictions, most: int) -> Ints:
    """Positions of up to ``most`` right predictions of different classes: of each the one of median confidence.

    The commonest classes come first. Not the surest ones: those would show the run from its best side.
    """
    guessed_N = predictions.probs_NC.argmax(axis=1)
    right = np.flatnonzero(guessed_N == predictions.class_N)
    classes, counts = np.unique(predictions.class_N[right], return_counts=True)
    chosen = []
    for code in classes[np.argsort(-counts, kind="stable")][:most].tolist():
        mine = right[predictions.class_N[right] == code]
        order = mine[np.argsort(predictions.probs_NC[mine, code], kind="stable")]
        chosen.append(int(order[len(order) // 2]))
    return np.array(chosen, dtype=np.int64)


def hardest_people(predictions: Predictions, most: int) -> list[HardPerson]:
    """Up to ``most`` people, those first whose labeled classes got the least probability (mean log loss)."""
    names_P, person_N = np.unique(units(predictions).astype(str), return_inverse=True)
    loss_N = _losses(predictions)
    wrong_N = predictions.probs_NC.argmax(axis=1) != predictions.class_N
    count_P = np.bincount(person_N)
    mean_P = np.bincount(person_N, weights=loss_N) / count_P
    people = []
    for place in np.argsort(-mean_P, kind="stable")[:most].tolist():
        rows = np.flatnonzero(person_N == place)
        rows = rows[np.argsort(predictions.photo_N[rows].astype(str), kind="stable")]
        people.append(HardPerson(str(names_P[place]), rows, int(wrong_N[rows].sum()), float(mean_P[place])))
    return people


def _losses(predictions: Predictions) -> Floats:
    true_N = predictions.probs_NC[np.arange(len(predictions)), predictions.class_N].astype(np.float64)
    return np.asarray(-np.log(np.maximum(true_N, _LEAST_PROBABILITY)))
