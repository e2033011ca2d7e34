"""Rare classes again and again, until they are as large as the others."""

from __future__ import annotations

import numpy as np

from maskwise.records import Ints, PhotoTable
from maskwise.sampling.dealing import class_codes, deal


def draw_oversample_rare(table: PhotoTable, rng: np.random.Generator, share: float) -> Ints:
    """Positions of ``table``: each training class has max(its photos, round(``share`` · the largest class's)) draws.

    Keeps, exactly and in every epoch: those numbers, and every photo as often as any other of its class or once more.
    A person's share of a class's draws is, in expectation, his share of its photos. ``DataError`` when a photo has no
    training class.
    """
    code_N, photos_K = class_codes(table, "oversample_rare")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    draws_K = np.maximum(photos_K, round(share * int(photos_K.max())))
    parts = [deal(np.flatnonzero(code_N == code), int(draws), rng) for code, draws in enumerate(draws_K)]
    return rng.permutation(np.concatenate(parts))
