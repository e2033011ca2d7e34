"""Every photo once."""

from __future__ import annotations

import numpy as np

from maskwise.records import Ints, PhotoTable


def draw_natural(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """The N positions of ``table``, each once, shuffled.

    Keeps, exactly and in every epoch: class shares and person shares of the table.
    """
    return rng.permutation(len(table))
