"""One group of photos again and again, until it has its share."""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import PhotoGroup
from maskwise.records import Ints, PhotoTable
from maskwise.sampling.dealing import deal


def draw_oversample_group(table: PhotoTable, rng: np.random.Generator, share: float, group: PhotoGroup) -> Ints:
    """Positions of ``table``: all photos, and those of a group again until they have ``share`` of the draws.

    With G photos in the group and O others, the group has max(G, round(O · share / (1 - share))) draws. Keeps,
    exactly and in every epoch: those numbers, and every photo of the group as often as any other of it or once more.
    Class and person shares within the group and within the others are those of the table, in expectation.
    ``DataError`` when no photo is in the group; a photo whose attribute is unknown is not.
    """
    in_group_N = group.members(table)
    if not len(table):
        return np.empty(0, dtype=np.int64)
    group_P, others_P = np.flatnonzero(in_group_N), np.flatnonzero(~in_group_N)
    if not len(group_P):
        got = f"none of {len(table)} ({group})"
        raise DataError(must("photos of sampling.group", "one or more", got, "Choose another group."))
    draws = max(len(group_P), round(len(others_P) * share / (1 - share)))
    return rng.permutation(np.concatenate([others_P, deal(group_P, draws, rng)]))
