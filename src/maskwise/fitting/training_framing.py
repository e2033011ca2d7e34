"""Where faces lie in the photos that a run learns from: measured once, kept in the run's folder and in its bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from maskwise.data.pixels import decode_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.faces.detection import find_face
from maskwise.faces.framing import Framing, measure_framing
from maskwise.records import Image, PhotoTable

FRAMED_PHOTOS = 200
"""Enough for medians within a percent of the photo's size."""


def measure_training_framing(root: Path, table: PhotoTable) -> Framing | None:
    """Where the face stands in the photos of ``table``; None where the detector finds too few faces."""
    read, pairs = bytes_of(root), []
    for name in table.photo_N[spaced(len(table), FRAMED_PHOTOS)].tolist():
        photo = _decoded(read, name)
        if photo is not None and (face := find_face(photo)) is not None:
            pairs.append((face, (photo.shape[0], photo.shape[1])))
    return measure_framing([face for face, _ in pairs], [size for _, size in pairs])


def _decoded(read: Callable[[str], bytes], name: str) -> Image | None:
    try:
        return decode_photo(read(name), name)
    except (DataError, OSError):
        return None


def spaced(count: int, most: int | None) -> list[int]:
    """Up to ``most`` (None: all) of ``count`` positions, evenly spaced."""
    if most is None or count <= most:
        return list(range(count))
    return [int(place) for place in np.linspace(0, count - 1, most).round()]
