"""A labeled table with the pixels of its photos."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.records import Image, Ints, PhotoTable, Strings
from maskwise.training.batches import TargetRows


@dataclass(frozen=True)
class CacheKeys:
    """Where what is computed of photos can be kept, and under which names."""

    cache: Path
    key_N: Strings
    """32 hex digits a photo, equal for equal pixels alone."""


@dataclass(frozen=True)
class PhotoSet:
    """A labeled table and the pixels of its photos."""

    table: PhotoTable
    read: Callable[[Ints], Image]
    rows: TargetRows | None = None
    """Where some labels are pseudo-labels: what the loss sees of each photo."""
    drawn: PhotoSet | None = None
    """Photos with masks drawn on, of these people: they join whoever trains, and nobody else."""
    keys: CacheKeys | None = None
    """None where nothing is to be kept."""

    def take(self, index: Ints | NDArray[np.bool_]) -> PhotoSet:
        """The photos at ``index`` (positions or a mask)."""
        positions = np.arange(len(self.table))[index]
        rows = None if self.rows is None else self.rows.take(positions)
        keys = None if self.keys is None else CacheKeys(self.keys.cache, self.keys.key_N[positions])
        return PhotoSet(self.table.take(positions), lambda part: self.read(positions[part]), rows, keys=keys)


def joined_sets(first: PhotoSet, second: PhotoSet) -> PhotoSet:
    """The photos of both, one set below the other, without target rows."""
    n_first = len(first.table)

    def read(index_M: Ints) -> Image:
        is_first_M = index_M < n_first
        pixels = first.read(index_M[is_first_M])
        both = np.empty((len(index_M), *pixels.shape[1:]), dtype=np.uint8)
        both[is_first_M] = pixels
        both[~is_first_M] = second.read(index_M[~is_first_M] - n_first)
        return both

    names = [field.name for field in dataclasses.fields(PhotoTable)]
    columns = {name: np.concatenate([getattr(first.table, name), getattr(second.table, name)]) for name in names}
    keys = None
    if first.keys is not None and second.keys is not None:
        keys = CacheKeys(first.keys.cache, np.concatenate([first.keys.key_N, second.keys.key_N]))
    return PhotoSet(PhotoTable(**columns), read, keys=keys)
