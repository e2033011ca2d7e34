"""More of everything."""

from __future__ import annotations

import numpy as np

from maskwise.records import Ints, PhotoTable


def draw_oversample_random(table: PhotoTable, rng: np.random.Generator, factor: float) -> Ints:
    """round(``factor`` · N) positions of ``table``, shuffled: all photos once, the rest drawn alike with replacement.

    Keeps, in expectation: class shares and person shares of the table. Every photo is shown once at least.
    """
    n = len(table)
    if not n:
        return np.empty(0, dtype=np.int64)
    again_M = rng.integers(0, n, size=round(factor * n) - n)
    return rng.permutation(np.concatenate([np.arange(n), again_M]))
