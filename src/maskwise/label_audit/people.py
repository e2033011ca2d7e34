"""Which people's labels are likely wrong: gender, age, or photos that have each other's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError, must
from maskwise.label_audit.confident_learning import Opinion, confident_learning
from maskwise.label_audit.evidence_per_person import (
    WORN,
    PhotosByPerson,
    age_evidence,
    gender_evidence,
    order_evidence,
    pooled_of_people,
)
from maskwise.label_audit.noise_model import NoiseFit, ages, any_wrong, two_classes
from maskwise.labels import Task
from maskwise.records import Floats, Ints, PhotoTable, Predictions, Strings

LabelFault = Literal["gender", "age", "photos"]
"""What may be wrong; the words of a correction list's column ``attribute``."""
FAULTS: tuple[LabelFault, ...] = get_args(LabelFault)


@dataclass(frozen=True)
class Audit:
    """P people and K kinds of wrong labels, in the order of the table."""

    folder_P: Strings
    """The name of each person's folder, which identifies rows of ``train.csv``."""
    gender_P: Ints
    """As labeled; -1 where unknown."""
    age_years_P: Ints
    """As labeled; -1 where unknown."""
    log_odds_PK: Floats
    """Wrong against right; minus infinity where nothing can be said."""
    female_P: Floats
    """Predicted probability of female, NaN where gender is not predicted."""
    predicted_age_years_P: Floats
    """Predicted age, NaN where age is not predicted."""
    age_spread_years_P: Floats
    share_K: dict[LabelFault, float]
    """The estimated share of wrong labels of each kind that could be judged."""
    quality_K: dict[LabelFault, Floats]
    """cleanlab's label quality of each person, 0 to 1; NaN where it says nothing."""
    counted_K: dict[LabelFault, int]
    """How many wrong labels cleanlab counts: people, for photos single photos."""

    def wrong(self) -> Floats:
        """The probability that any label of the person is wrong."""
        return any_wrong(self.log_odds_PK)

    def kind(self) -> Ints:
        """The likeliest kind of wrong label, a position in ``FAULTS``."""
        return np.asarray(self.log_odds_PK.argmax(axis=1))

    def ranking(self) -> Ints:
        """Positions of people, the most suspicious first; ties by folder."""
        return np.lexsort((self.folder_P.astype(str), -np.logaddexp.reduce(self.log_odds_PK, axis=1)))


def audit_people(predictions: Predictions, table: PhotoTable, folder_N: Strings, task: Task) -> Audit:
    """Judge the labels of ``table`` by held-out ``predictions`` of the same N photos in the same order.

    ``folder_N`` says which photos carry one person's labels. ``DataError`` for predictions that are not held out.
    """
    predictions.require_held_out("an audit of labels")
    if not np.array_equal(predictions.photo_N, table.photo_N):
        raise DataError(must("photos of predictions and table", "the same ones", "others", "Align them by name."))
    folder_P, first_P, person_N = np.unique(folder_N.astype(str), return_index=True, return_inverse=True)
    people = PhotosByPerson(person_N, table.mask_N, len(folder_P))
    gender_P, age_years_P = table.gender_N[first_P], table.age_years_N[first_P]
    judged = _judge(people, gender_P, age_years_P, predictions, task)
    opinions = _second_opinions(people, gender_P, age_years_P, predictions, task)
    never, unknown = np.full(len(folder_P), -np.inf), np.full(len(folder_P), np.nan)
    gender, age = judged.get("gender"), judged.get("age")
    return Audit(
        folder_P=folder_P.astype(object),
        gender_P=gender_P,
        age_years_P=age_years_P,
        log_odds_PK=np.column_stack([judged[kind].log_odds_P if kind in judged else never for kind in FAULTS]),
        female_P=unknown if gender is None else 1.0 / (1.0 + np.exp(-gender.predicted_P)),
        predicted_age_years_P=unknown if age is None else age.predicted_P,
        age_spread_years_P=unknown if age is None else age.spread_P,
        share_K={kind: fit.share for kind, fit in judged.items()},
        quality_K={kind: opinion.quality_M for kind, opinion in opinions.items()},
        counted_K={kind: opinion.wrong for kind, opinion in opinions.items()},
    )


def _judge(
    people: PhotosByPerson, gender_P: Ints, age_years_P: Ints, predictions: Predictions, task: Task
) -> dict[LabelFault, NoiseFit]:
    probs_NC, fits = predictions.probs_NC, dict[LabelFault, NoiseFit]()
    if "gender" in task.attributes:
        evidence_PF = gender_evidence(people, task, probs_NC)
        fits["gender"] = _of_known(gender_P >= 0, lambda known: two_classes(gender_P[known], evidence_PF[known]))
    if "age" in task.attributes:
        years_PF = age_evidence(people, task, probs_NC, predictions.age_years_N)
        fits["age"] = _of_known(age_years_P >= 0, lambda known: ages(age_years_P[known], years_PF[known]))
    if "mask" in task.attributes:
        order_P = order_evidence(people, task, probs_NC)
        # Every pair of photos is labeled as being in order, which is class 1.
        in_order_P = np.ones(people.count, dtype=np.int64)
        fits["photos"] = _of_known(
            ~np.isnan(order_P),
            lambda known: two_classes(in_order_P[known], order_P[known, None], intercept=False),
        )
    return fits


def _of_known(known_P: NDArray[np.bool_], fit: Callable[[NDArray[np.bool_]], NoiseFit]) -> NoiseFit:
    """The fit of those people of whom something is known, the others filled in."""
    empty = np.full(len(known_P), np.nan)
    if not known_P.any():
        return NoiseFit(np.full(len(known_P), -np.inf), 0.0, empty, empty)
    found = fit(known_P)
    log_odds_P, predicted_P, spread_P = np.full(len(known_P), -np.inf), empty.copy(), empty.copy()
    log_odds_P[known_P], predicted_P[known_P], spread_P[known_P] = found.log_odds_P, found.predicted_P, found.spread_P
    return NoiseFit(log_odds_P, found.share, predicted_P, spread_P)


def _second_opinions(
    people: PhotosByPerson, gender_P: Ints, age_years_P: Ints, predictions: Predictions, task: Task
) -> dict[LabelFault, Opinion]:
    """cleanlab on people for gender and age group, on single photos for the mask status."""
    opinions = dict[LabelFault, Opinion]()
    if "gender" in task.attributes:
        opinions["gender"] = _opinion(gender_P, pooled_of_people(people, task.marginal(predictions.probs_NC, "gender")))
    if "age" in task.attributes:
        group_P = task.age_group(age_years_P)
        opinions["age"] = _opinion(group_P, pooled_of_people(people, task.marginal(predictions.probs_NC, "age")))
    if "mask" in task.attributes:
        of_photos = confident_learning(people.mask_N, task.marginal(predictions.probs_NC, "mask"))
        either_N = people.mask_N != WORN
        worst_P = np.full(people.count, np.nan)
        for person, quality in zip(people.person_N[either_N], of_photos.quality_M[either_N], strict=True):
            worst_P[person] = np.fmin(worst_P[person], quality)
        opinions["photos"] = Opinion(worst_P, of_photos.wrong)
    return opinions


def _opinion(label_P: Ints, probs_PK: Floats) -> Opinion:
    known_P = label_P >= 0
    quality_P = np.full(len(label_P), np.nan)
    if not known_P.any():
        return Opinion(quality_P, 0)
    found = confident_learning(label_P[known_P], probs_PK[known_P])
    quality_P[known_P] = found.quality_M
    return Opinion(quality_P, found.wrong)
