"""The classes take turns."""

from __future__ import annotations

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling.dealing import class_codes, deal


def draw_balanced_batches(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``: the K training classes in turn, in an order that is shuffled for each epoch.

    Keeps, exactly: in any stretch of consecutive draws the counts of two classes differ by one at most, so every
    batch is as even as its size allows, wherever it begins. Keeps, in expectation: a person's share is the sum, over
    his photos, of 1 / (K · photos of that class). One order an epoch, not one a round: two different orders side by
    side could show a class twice within K draws. ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "balanced")
    turn_M = np.resize(rng.permutation(len(photos_K)), len(table))
    index_M = np.empty(len(table), dtype=np.int64)
    for code in range(len(photos_K)):
        its_turns_M = turn_M == code
        index_M[its_turns_M] = deal(np.flatnonzero(code_N == code), int(its_turns_M.sum()), rng)
    return index_M
