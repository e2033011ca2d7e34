"""One group of photos again and again, until it has its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError, must
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES
from maskwise.records import Ints, PhotoTable
from maskwise.sampling.dealing import deal


def draw_oversample_group(
    table: PhotoTable,
    rng: np.random.Generator,
    share: float,
    mask: str | None = None,
    gender: str | None = None,
    age_years: tuple[int, int] | None = None,
) -> Ints:
    """Positions of ``table``: all photos, and those of a group again until they have ``share`` of the draws.

    With G photos in the group and O others, the group has max(G, round(O · share / (1 - share))) draws. Keeps,
    exactly and in every epoch: those numbers, and every photo of the group as often as any other of it or once more.
    Class and person shares within the group and within the others are those of the table, in expectation.
    ``DataError`` when no photo is in the group; a photo whose attribute is unknown is not.
    """
    in_group_N = _in_group(table, mask, gender, age_years)
    if not len(table):
        return np.empty(0, dtype=np.int64)
    group_P, others_P = np.flatnonzero(in_group_N), np.flatnonzero(~in_group_N)
    if not len(group_P):
        got = f"none of {len(table)} (mask {mask}, gender {gender}, age_years {age_years})"
        raise DataError(must("photos of sampling's group", "one or more", got, "Choose another group."))
    draws = max(len(group_P), round(len(others_P) * share / (1 - share)))
    return rng.permutation(np.concatenate([others_P, deal(group_P, draws, rng)]))


def _in_group(
    table: PhotoTable, mask: str | None, gender: str | None, age_years: tuple[int, int] | None
) -> NDArray[np.bool_]:
    """Which of the N photos fit all that is said."""
    fits_N = np.ones(len(table), dtype=np.bool_)
    if mask is not None:
        fits_N &= table.mask_N == MASK_CLASSES.index(mask)
    if gender is not None:
        fits_N &= table.gender_N == GENDER_CLASSES.index(gender)
    if age_years is not None:
        fits_N &= (table.age_years_N >= age_years[0]) & (table.age_years_N <= age_years[1])
    return fits_N
