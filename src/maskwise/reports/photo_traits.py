"""What can be seen of held-out photos without a model: how bright they are, and how large the face is. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwise.data.contents import content_of
from maskwise.data.readable import in_threads, read_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.faces.box_store import BoxStore
from maskwise.listeners import Listener, note_left_out
from maskwise.records import FaceBox, Floats, Strings

MOST_NEW_FACES = 300
"""Photos in which a face is looked for now; those that were looked at before come from the cache. 70 ms each."""


@dataclass(frozen=True)
class PhotoTraits:
    """Of N photos; NaN where it is not known."""

    brightness_N: Floats
    """Mean of all pixels and colors, 0 (black) to 1 (white)."""
    face_height_px_N: Floats
    """Height of the largest face in the photo's own pixels."""
    looked_at: int
    """Photos in which a face was looked for, now or earlier."""
    unreadable: tuple[str, ...]
    """What is wrong with each photo that cannot be read."""


def look_at_traits(root: Path, photo_N: Strings, cache: Path, listener: Listener) -> PhotoTraits:
    """Decode the photos below ``root``; faces come from ``cache`` and, for evenly spaced photos, are looked for."""
    read, boxes = bytes_of(root), BoxStore(cache, listener.on_note)
    known = boxes.known()
    looked_for = set(np.unique(np.linspace(0, len(photo_N) - 1, MOST_NEW_FACES).astype(np.int64)).tolist())

    def look(place: int) -> tuple[float, float, bool] | str:
        return _look(read, str(photo_N[place]), known, boxes if place in looked_for else None)

    listener.on_stage("looking at photos", len(photo_N))
    rows: list[tuple[float, float, bool]] = []
    problems: list[str] = []
    for found in in_threads(look, range(len(photo_N))):
        if isinstance(found, str):
            problems.append(found)
        rows.append((np.nan, np.nan, False) if isinstance(found, str) else found)
        listener.on_advance(1)
    note_left_out(listener, problems)
    boxes.save()
    brightness_N = np.array([row[0] for row in rows], dtype=np.float64)
    return PhotoTraits(
        brightness_N=brightness_N,
        face_height_px_N=np.array([row[1] for row in rows], dtype=np.float64),
        looked_at=sum(row[2] for row in rows),
        unreadable=tuple(problems),
    )


def _look(
    read: Callable[[str], bytes], name: str, known: dict[str, FaceBox | None], boxes: BoxStore | None
) -> tuple[float, float, bool] | str:
    """(brightness, height of the face or NaN, whether one was looked for), or what is wrong with the photo."""
    try:
        data, photo = read_photo(read, name)
    except DataError as error:
        return str(error)
    brightness, content = float(photo.mean()) / 255, content_of(data)
    if content in known:
        return brightness, _height(known[content]), True
    if boxes is None:
        return brightness, np.nan, False
    return brightness, _height(boxes.face(content, photo)), True


def _height(face: FaceBox | None) -> float:
    return np.nan if face is None else face.box_xyxy_px[3] - face.box_xyxy_px[1]
