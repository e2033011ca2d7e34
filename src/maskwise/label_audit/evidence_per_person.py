"""What the models say of a person, gathered from all photos: the evidence for and against a label.

N photos, P people. A row of ``train.csv`` is a person here: labels are given, and corrected, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.labels import MASK_CLASSES, Task
from maskwise.records import Floats, Ints

_LARGEST_LOG_ODDS = 6.0
"""No photo says more than this: networks are overconfident."""
_FEWEST_LAPSES = 0.02
WORN, INCORRECT, NOT_WORN = (MASK_CLASSES.index(name) for name in ("worn", "incorrect", "not_worn"))


@dataclass(frozen=True)
class PhotosByPerson:
    """N photos of P people."""

    person_N: Ints
    """The person 0 … P - 1 of each photo."""
    mask_N: Ints
    """The labeled mask status of each photo."""
    count: int

    def mean(self, value_N: Floats, where_N: NDArray[np.bool_]) -> Floats:
        """The mean of each person's photos ``where_N``, shape (P,); NaN for people without any."""
        chosen = self.person_N[where_N]
        sums_P = np.bincount(chosen, weights=value_N[where_N], minlength=self.count)
        counts_P = np.bincount(chosen, minlength=self.count)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(counts_P > 0, sums_P / np.maximum(counts_P, 1), np.nan))

    def masked_and_bare(self, value_N: Floats) -> Floats:
        """Each person's mean over photos with the mask worn, and over the others; shape (P, 2).

        They are kept apart, as a mask hides half of a face. One stands for the other where it is missing.
        """
        masked_P = self.mean(value_N, self.mask_N == WORN)
        bare_P = self.mean(value_N, self.mask_N != WORN)
        filled = np.where(np.isnan(masked_P), bare_P, masked_P), np.where(np.isnan(bare_P), masked_P, bare_P)
        return np.column_stack(filled)


def gender_evidence(people: PhotosByPerson, task: Task, probs_NC: Floats) -> Floats:
    """Log-odds of female against male, masked and bare photos apart; shape (P, 2)."""
    male_N, female_N = task.marginal(probs_NC, "gender").T.astype(np.float64)
    return people.masked_and_bare(_log_ratio(female_N, male_N))


def age_evidence(people: PhotosByPerson, task: Task, probs_NC: Floats, age_years_N: Floats | None) -> Floats:
    """Age as predicted: probabilities of all age groups but the first and, where there are any, years; masked, bare."""
    groups_NA = task.marginal(probs_NC, "age").astype(np.float64)
    columns = [groups_NA[:, group] for group in range(1, groups_NA.shape[1])]
    if age_years_N is not None and not np.isnan(age_years_N).any():
        columns.append(np.asarray(age_years_N, dtype=np.float64))
    return np.concatenate([people.masked_and_bare(column) for column in columns], axis=1)


def order_evidence(people: PhotosByPerson, task: Task, probs_NC: Floats) -> Floats:
    """Log-odds that ``incorrect_mask`` and ``normal`` have their own names against each other's; shape (P,).

    ``log P(not worn | normal) P(incorrect | incorrect_mask) / P(incorrect | normal) P(not worn | incorrect_mask)``.
    Every probability is mixed with a lapse, a uniform prediction as often as the models are wrong on these photos, so
    one photo that is predicted wrongly is not taken for a swap: it takes both. NaN for people who lack one of the two.
    """
    mask_N3 = task.marginal(probs_NC, "mask").astype(np.float64)
    either_N = people.mask_N != WORN
    lapses = float(np.mean(mask_N3.argmax(axis=1)[either_N] != people.mask_N[either_N])) if either_N.any() else 0.0
    lapse = max(lapses, _FEWEST_LAPSES)
    mask_N3 = (1.0 - lapse) * mask_N3 + lapse / len(MASK_CLASSES)
    bare_over_incorrect_N = np.log(mask_N3[:, NOT_WORN]) - np.log(mask_N3[:, INCORRECT])
    normal_P = people.mean(bare_over_incorrect_N, people.mask_N == NOT_WORN)
    return np.asarray(normal_P - people.mean(bare_over_incorrect_N, people.mask_N == INCORRECT))


def pooled_of_people(people: PhotosByPerson, probs_NK: Floats) -> Floats:
    """One distribution per person: the geometric mean of the photos', which a single photo cannot outvote; (P, K)."""
    log_NK = np.log(np.clip(probs_NK.astype(np.float64), np.exp(-_LARGEST_LOG_ODDS), None))
    everywhere_N = np.ones(len(log_NK), dtype=np.bool_)
    mean_PK = np.column_stack([people.mean(column_N, everywhere_N) for column_N in log_NK.T])
    raised_PK = np.exp(mean_PK - mean_PK.max(axis=1, keepdims=True))
    return np.asarray(raised_PK / raised_PK.sum(axis=1, keepdims=True))


def _log_ratio(one_N: Floats, other_N: Floats) -> Floats:
    tiny = np.finfo(np.float64).tiny
    ratio_N = np.log(np.maximum(one_N, tiny)) - np.log(np.maximum(other_N, tiny))
    return np.asarray(np.clip(ratio_N, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS))
