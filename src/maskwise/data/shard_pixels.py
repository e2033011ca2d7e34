"""The pixels of photos in tar shards, decoded whenever they are asked for: for sets too large for a cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskwise.data.shards import Shards
from maskwise.records import Image, Ints, Strings


class ShardPixels:
    """The prepared pixels of N photos, read as ``PixelCache`` is; it holds the index and no pixel."""

    def __init__(
        self,
        shards: Shards,
        photo_N: Strings,
        prepare: Callable[[bytes, str], Image],
        height_px: int,
        width_px: int,
    ) -> None:
        photo_of = {photo.name: photo for photo in shards.photos}
        self.shards = shards
        self.photos = [photo_of[name] for name in photo_N]
        self.prepare = prepare
        self.height_px = height_px
        self.width_px = width_px
        self.content_N: Strings = np.array([photo.content for photo in self.photos], dtype=object)

    def __len__(self) -> int:
        return len(self.photos)

    def read(self, index_M: Ints) -> Image:
        """The photos at positions ``index_M``: a fresh M × H × W × 3 array. ``DataError`` for one that is damaged."""
        out = np.empty((len(index_M), self.height_px, self.width_px, 3), dtype=np.uint8)
        for row, place in enumerate(index_M):
            photo = self.photos[int(place)]
            out[row] = self.prepare(self.shards.read(photo), photo.name)
        return out
