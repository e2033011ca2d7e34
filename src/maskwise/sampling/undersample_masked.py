"""A few of each person's masked photos."""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import MASK_CLASSES
from maskwise.records import Ints, PhotoTable

WORN = MASK_CLASSES.index("worn")


def draw_undersample_masked(table: PhotoTable, rng: np.random.Generator, photos_per_person: int) -> Ints:
    """Positions of ``table``, shuffled: ``photos_per_person`` of each person's photos of a worn mask, all others once.

    Keeps, exactly and in every epoch: a person has min(``photos_per_person``, his photos of a worn mask) + his other
    photos draws, hence the shares of classes and people. His masked photos have the same chance each. ``DataError``
    when no photo shows a worn mask, for then it would be the natural sampler.
    """
    worn_W = rng.permutation(np.flatnonzero(table.mask_N == WORN))
    if len(table) and not len(worn_W):
        got = f"none of {len(table)}"
        raise DataError(must("photos of worn masks", "one or more", got, "Choose the natural sampler."))
    person_W = np.unique(table.person_N[worn_W].astype(str), return_inverse=True)[1]
    # A stable sort by person keeps the shuffled order within each, so the first few of each are a random draw.
    order_W = np.argsort(person_W, kind="stable")
    counts_P = np.bincount(person_W)
    rank_W = np.arange(len(worn_W)) - np.repeat(np.cumsum(counts_P) - counts_P, counts_P)
    shown_S = worn_W[order_W[rank_W < photos_per_person]]
    return rng.permutation(np.concatenate([np.flatnonzero(table.mask_N != WORN), shown_S]))
