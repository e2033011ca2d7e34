"""Rare classes as often as common ones."""

from __future__ import annotations

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling.dealing import class_codes


def draw_weighted(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``, drawn with replacement; a photo's weight is 1 / (photos of its training class).

    Keeps, in expectation: each of the K training classes that occur has a share of 1 / K of the draws; a person's
    share is the sum, over his photos, of 1 / (K · photos of that class). A class's draws in one epoch are binomial
    (N, 1 / K). Some photos of common classes do not appear in an epoch, those of rare classes appear many times.
    ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "weighted")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    weight_N = 1.0 / (photos_K[code_N] * len(photos_K))
    return np.asarray(rng.choice(len(table), size=len(table), p=weight_N), dtype=np.int64)
