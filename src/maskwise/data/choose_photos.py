"""Which photos of a table a run uses: rules on labels, as one truth value a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError, must
from maskwise.labels import PhotoGroup
from maskwise.records import PhotoTable


def drop_ages(table: PhotoTable, ranges_years: tuple[tuple[int, int], ...]) -> NDArray[np.bool_]:
    """True for those of the N photos whose person's age lies in a range (both ends included), so is to be left out.

    For the training part of a fold alone: a score that leaves out the people near a border would be too good. Ages
    that are unknown are in no range. ``DataError`` when nobody would be left to train.
    """
    in_range_N = np.zeros(len(table), dtype=np.bool_)
    for youngest, oldest in ranges_years:
        in_range_N |= (table.age_years_N >= youngest) & (table.age_years_N <= oldest)
    if len(table) and in_range_N.all():
        got = f"all {len(table)} photos within {[list(ages) for ages in ranges_years]}"
        raise DataError(must("data.drop_ages_years", "ranges that leave somebody to train", got, "Narrow them."))
    return in_range_N


def keep(table: PhotoTable, wanted: PhotoGroup) -> NDArray[np.bool_]:
    """True for those of the N photos that fit all that ``wanted`` says. Unknown attributes fit nothing that is said.

    ``DataError`` when no photo fits.
    """
    fits_N = wanted.members(table)
    if len(table) and not fits_N.any():
        got = f"{{{wanted}}} for none of {len(table)}"
        raise DataError(must("data.only", "true of some photos", got, "Change it."))
    return fits_N
