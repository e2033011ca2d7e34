"""What samplers of classes are made of: the photos of every training class, and drawing evenly from one."""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Ints, PhotoTable


def class_codes(table: PhotoTable, sampler: str) -> tuple[Ints, Ints]:
    """(number 0 … K - 1 of each photo's training class, photos of each of the K classes that occur).

    ``DataError`` when a photo has no training class; ``sampler`` names who asks.
    """
    unknown = int(np.sum(table.train_class_N < 0))
    if unknown:
        got = f"{unknown} of {len(table)} without one"
        raise DataError(must(f"photos for {sampler} sampling", "of a known class", got, "Choose the natural sampler."))
    _, code_N, photos_K = np.unique(table.train_class_N, return_inverse=True, return_counts=True)
    return code_N, photos_K


def deal(photo_P: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """``draws`` of the P positions ``photo_P``, in shuffled rounds: each ⌊draws / P⌋ or ⌈draws / P⌉ times."""
    rounds = -(-draws // len(photo_P))
    deck_D = [rng.permutation(photo_P) for _ in range(rounds)]
    return np.concatenate([np.empty(0, dtype=np.int64), *deck_D])[:draws]
