"""What can be said of every photo after one look at it: size, format, brightness, colors, a small copy, the picture.

N photos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.contents import content_of
from maskwise.data.near_copies import lowest_waves
from maskwise.data.photo_budget import photo_format
from maskwise.data.pixels import resize
from maskwise.data.readable import in_threads, read_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError, must
from maskwise.records import Floats, Image, Ints, Strings

SMALL_HEIGHT_PX, SMALL_WIDTH_PX = 96, 84
"""Every photo is kept this small, for mosaics and mean faces: 24 kB each."""

ShowsFace = Callable[[str, Image], bool]
"""(content hash, photo) → whether it shows a face."""


@dataclass(frozen=True)
class PhotoFacts:
    """Facts on the N readable photos of a list."""

    index_N: Ints
    """The position of each in the list that was given."""
    width_px_N: Ints
    height_px_N: Ints
    format_N: Strings
    """As ``jpeg``, by the contents."""
    bytes_N: Ints
    content_N: Strings
    mean_NC: Floats
    """Mean red, green and blue of each photo, 0 to 1."""
    square_NC: Floats
    """Mean of their squares."""
    has_face_N: NDArray[np.bool_] | None
    """None where faces were not looked for."""
    small_NHWC: Image
    waves_NF: Floats
    """The picture as ``near_copies`` compares it."""
    problems: tuple[str, ...]
    """One line for each photo that cannot be read."""

    def brightness(self) -> Floats:
        """Mean of red, green and blue of each photo, 0 (black) to 1 (white)."""
        return np.asarray(self.mean_NC.mean(axis=1))


@dataclass(frozen=True)
class _Look:
    """One photo."""

    width_px: int
    height_px: int
    format: str
    bytes: int
    content: str
    mean_C: Floats
    square_C: Floats
    has_face: bool
    small: Image
    waves_F: Floats


def look_at_photos(
    root: Path,
    photo_N: Strings | Sequence[str],
    has_face: ShowsFace | None,
    advance: Callable[[int], None],
    threads: int | None = None,
) -> PhotoFacts:
    """Decode each photo below ``root`` once and keep what the reports need; unreadable ones are named and left out.

    ``has_face`` is called from several threads; None looks for no faces. ``advance(n)`` is called after every n photos.
    """
    looks: list[_Look] = []
    index: list[int] = []
    problems: list[str] = []
    read = bytes_of(root)
    seen = in_threads(lambda name: _look_at(read, name, has_face), [str(name) for name in photo_N], threads)
    for place, look in enumerate(seen):
        if isinstance(look, str):
            problems.append(look)
        else:
            looks.append(look)
            index.append(place)
        advance(1)
    if not looks:
        raise DataError([*problems[:5], must("photos", "readable, one at least", "none", "Check the data set.")])
    return _together(looks, index, problems, looked_for_faces=has_face is not None)


def _look_at(read: Callable[[str], bytes], name: str, has_face: ShowsFace | None) -> _Look | str:
    """The facts on one photo, or what is wrong with it."""
    try:
        data, photo = read_photo(read, name)
    except DataError as error:
        return str(error)
    content = content_of(data)
    mean_C, spread_C = (values[:, 0] / 255.0 for values in cv2.meanStdDev(photo))
    return _Look(
        width_px=photo.shape[1],
        height_px=photo.shape[0],
        format=(photo_format(data) or "other").lower(),
        bytes=len(data),
        content=content,
        mean_C=mean_C,
        square_C=spread_C**2 + mean_C**2,
        has_face=has_face is not None and has_face(content, photo),
        small=_small(photo),
        waves_F=lowest_waves(photo),
    )


def _small(photo: Image) -> Image:
    """The middle of the photo in the shape that all small copies have, without squeezing it."""
    height, width = photo.shape[:2]
    tall = min(height, round(width * SMALL_HEIGHT_PX / SMALL_WIDTH_PX))
    wide = min(width, round(height * SMALL_WIDTH_PX / SMALL_HEIGHT_PX))
    top, left = (height - tall) // 2, (width - wide) // 2
    middle = photo[top : top + max(tall, 1), left : left + max(wide, 1)]
    return resize(middle, SMALL_HEIGHT_PX, SMALL_WIDTH_PX)


def _together(
    looks: Sequence[_Look], index: Sequence[int], problems: Sequence[str], *, looked_for_faces: bool
) -> PhotoFacts:
    return PhotoFacts(
        index_N=np.array(index, dtype=np.int64),
        width_px_N=np.array([look.width_px for look in looks], dtype=np.int64),
        height_px_N=np.array([look.height_px for look in looks], dtype=np.int64),
        format_N=np.array([look.format for look in looks], dtype=object),
        bytes_N=np.array([look.bytes for look in looks], dtype=np.int64),
        content_N=np.array([look.content for look in looks], dtype=object),
        mean_NC=np.stack([look.mean_C for look in looks]).astype(np.float64),
        square_NC=np.stack([look.square_C for look in looks]).astype(np.float64),
        has_face_N=np.array([look.has_face for look in looks]) if looked_for_faces else None,
        small_NHWC=np.stack([look.small for look in looks]),
        waves_NF=np.stack([look.waves_F for look in looks]),
        problems=tuple(problems),
    )
