"""Where faces lie in the photos that a run learns from: measured once, kept in the run's folder and in its bundles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwise.data.contents import content_of
from maskwise.data.readable import read_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.faces.box_store import BoxStore
from maskwise.faces.detection import find_face
from maskwise.faces.framing import Framing, measure_framing
from maskwise.records import PhotoTable

FRAMED_PHOTOS = 200
"""Enough for medians within a percent of the photo's size."""


def measure_training_framing(root: Path, table: PhotoTable, boxes: BoxStore | None = None) -> Framing | None:
    """Where the face stands in the photos of ``table``; None where the detector finds too few faces.

    Faces are remembered in ``boxes``, if it is given, and read there by the next run on the same photos.
    """
    read, pairs = bytes_of(root), []
    for name in table.photo_N[spaced(len(table), FRAMED_PHOTOS)].tolist():
        try:
            data, photo = read_photo(read, name)
        except DataError:
            continue
        face = find_face(photo) if boxes is None else boxes.face(content_of(data), photo)
        if face is not None:
            pairs.append((face, (photo.shape[0], photo.shape[1])))
    if boxes is not None:
        boxes.save()
    return measure_framing([face for face, _ in pairs], [size for _, size in pairs])


def spaced(count: int, most: int | None) -> list[int]:
    """Up to ``most`` (None: all) of ``count`` positions, evenly spaced."""
    if most is None or count <= most:
        return list(range(count))
    return [int(place) for place in np.linspace(0, count - 1, most).round()]
