"""Which prediction belongs to a photo that another file names, by its path or, where that is unique, its file name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np

from maskwise.records import Ints
from maskwise.tables import same_name

MISSING = -1
AMBIGUOUS = -2


def match_photos(wanted_M: Sequence[str], photo_N: Iterable[str]) -> Ints:
    """For each wanted photo its position in ``photo_N``, shape (M,); ``MISSING`` or ``AMBIGUOUS`` where there is none.

    An equal path comes first. Otherwise the file name decides, where exactly one photo has it: the competition lists
    ``ab12.jpg`` and a folder of photos gives ``images/ab12.jpg``.
    """
    photos = [same_name(str(photo)) for photo in photo_N]
    by_path = _positions(photos)
    by_name = _positions([PurePosixPath(photo).name for photo in photos])
    return np.array(
        [by_path.get(w, by_name.get(PurePosixPath(w).name, MISSING)) for w in map(same_name, wanted_M)], dtype=np.int64
    ).reshape(-1)


def _positions(names: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for position, name in enumerate(names):
        places[name] = AMBIGUOUS if name in places else position
    return places
