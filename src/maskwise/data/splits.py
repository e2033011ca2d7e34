"""Splits by person: whoever is held out was never seen in training, and the folds have alike shares of every class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from maskwise.errors import DataError, must
from maskwise.labels import known_attributes
from maskwise.records import Ints, PhotoTable

HELD_OUT = 0
NEVER_HELD_OUT = -1


def k_fold(table: PhotoTable, rng: np.random.Generator, folds: int = 5, class_names: tuple[str, ...] = ()) -> Ints:
    """The fold 0 … ``folds`` - 1 that holds each of the N photos out; all photos of a person share one.

    Strata are people by their rarest joint class. ``DataError`` names every class with fewer people than folds.
    """
    person_N, stratum_P = _strata(table, folds, f"{folds} folds", class_names)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    fold_P = np.empty(len(stratum_P), dtype=np.int64)
    for fold, (_, held_out_H) in enumerate(splitter.split(stratum_P, stratum_P)):
        fold_P[held_out_H] = fold
    return np.asarray(fold_P[person_N])


def hold_out(
    table: PhotoTable, rng: np.random.Generator, share: float = 0.2, class_names: tuple[str, ...] = ()
) -> Ints:
    """0 for each of the N photos that is held out, -1 for those that stay in training; a person is never parted.

    ``share`` is of people. Strata are people by their rarest joint class, and every stratum has a person on both
    sides, however rare it is (``sklearn``'s ``StratifiedShuffleSplit`` would leave it out of the smaller side).
    ``DataError`` names every class of fewer than two people.
    """
    person_N, stratum_P = _strata(table, 2, "a held-out part", class_names)
    counts_S = np.bincount(stratum_P)
    held_out_S = _apportion(counts_S, share)
    order_P = rng.permutation(len(stratum_P))
    # A stable sort by stratum keeps the shuffled order within each, so the first few of each are a random draw.
    order_P = order_P[np.argsort(stratum_P[order_P], kind="stable")]
    rank_P = np.arange(len(order_P)) - np.repeat(np.cumsum(counts_S) - counts_S, counts_S)
    fold_P = np.full(len(stratum_P), NEVER_HELD_OUT, dtype=np.int64)
    fold_P[order_P[rank_P < np.repeat(held_out_S, counts_S)]] = HELD_OUT
    return np.asarray(fold_P[person_N])


def hold_nobody_out(table: PhotoTable, rng: np.random.Generator) -> Ints:  # noqa: ARG001  (a split's signature)
    """-1 for each of the N photos: everybody trains. ``DataError`` for photos without a class, and for none."""
    _refuse_unlabeled(table)
    return np.full(len(table), NEVER_HELD_OUT, dtype=np.int64)


def _apportion(counts_S: Ints, share: float) -> Ints:
    """How many people of each stratum to hold out: largest remainders (Hamilton), at least one on both sides."""
    quota_S = counts_S * share
    whole_S = np.floor(quota_S).astype(np.int64)
    left_over = round(float(quota_S.sum())) - int(whole_S.sum())
    whole_S[np.argsort(whole_S - quota_S, kind="stable")[:left_over]] += 1
    return np.asarray(np.clip(whole_S, 1, counts_S - 1))


def _strata(table: PhotoTable, fewest: int, purpose: str, class_names: tuple[str, ...]) -> tuple[Ints, Ints]:
    """The person 0 … P - 1 of each photo, and each person's stratum 0 … S - 1 of ``fewest`` people or more."""
    _refuse_unlabeled(table)
    person_N = np.asarray(pd.factorize(table.person_N)[0], dtype=np.int64)
    n_classes = int(table.class_N.max()) + 1
    # Each (person, class) once, in the order of persons.
    pair_Q = np.unique(person_N * n_classes + table.class_N)
    person_Q, class_Q = np.divmod(pair_Q, n_classes)
    people_C = np.bincount(class_Q, minlength=n_classes)
    _refuse_small_classes(people_C, fewest, purpose, class_names)
    rank_C = np.empty(n_classes, dtype=np.int64)
    by_rarity_C = np.argsort(people_C, kind="stable")
    rank_C[by_rarity_C] = np.arange(n_classes)
    first_P = np.flatnonzero(np.diff(person_Q, prepend=-1))
    rarest_P = by_rarity_C[np.minimum.reduceat(rank_C[class_Q], first_P)]
    return person_N, _pool_small(rarest_P, fewest)


def _pool_small(stratum_P: Ints, fewest: int) -> Ints:
    """Strata numbered 0 … S - 1, those of fewer than ``fewest`` people pooled.

    A class of enough people may leave a small stratum where some of them have a rarer class, too: people whose
    photos are incomplete. The pool joins the largest stratum if it is too small itself.
    """
    counts = np.bincount(stratum_P)
    small = (counts > 0) & (counts < fewest)
    if small.any():
        pool = int(np.argmax(small)) if counts[small].sum() >= fewest else int(np.argmax(counts))
        stratum_P = np.where(small[stratum_P], pool, stratum_P)
    return np.asarray(np.unique(stratum_P, return_inverse=True)[1], dtype=np.int64)


def _refuse_unlabeled(table: PhotoTable) -> None:
    unknown_N = table.class_N < 0
    if not len(table) or unknown_N.any():
        got = "no photos" if not len(table) else f"{int(unknown_N.sum())} of {len(table)} without a class"
        known = ",".join(known_attributes(table)) if len(table) else ""
        remedy = (
            f"Learn what is known: --set 'task.attributes=[{known}]'."
            if known
            else "Read the train part of a data set."
        )
        raise DataError(must("photos to split", "labeled", got, remedy))


def _refuse_small_classes(people_C: Ints, fewest: int, purpose: str, class_names: tuple[str, ...]) -> None:
    problems = []
    for code in np.flatnonzero((people_C > 0) & (people_C < fewest)):
        name = class_names[code] if code < len(class_names) else str(code)
        rule = f"of at least {fewest} people for {purpose}"
        remedy = "Add people of this class, ask for fewer folds, or move the age borders."
        problems.append(must(f"class {name!r}", rule, int(people_C[code]), remedy))
    if problems:
        raise DataError(problems)
