"""What a series must know of a data set before it is planned: shapes, faces, ages, the length of an epoch. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np

from maskwise.data.manifest import read_train
from maskwise.data.readable import read_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.faces.detection import find_face
from maskwise.labels import Task
from maskwise.recipe.config import Recipe
from maskwise.records import PhotoTable
from maskwise.sampling.build import build_sampling
from maskwise.studies.claim_arms import Need

_LOOKED_AT = 40
ROOM = 0.6
"""Photos whose faces take more of the height than this are cut to the face already."""
NEAR_YEARS, NEAR_SHARE = 2, 0.5
"""Where a border moves by a year or two, so much of the last group must be within two years of it."""


@dataclass(frozen=True)
class SetFacts:
    """Of one data set."""

    table: PhotoTable | None = None
    """All labeled photos; None before the data were looked at."""
    photo_px: tuple[int, int] = (512, 384)
    """Median height and width of a photo."""
    face_share: float = 0.0
    """Median height of a face as a share of the photo's; 0 where none was found."""
    near_share: float = 1.0
    """Share of the people of the last age group who are within two years of its border."""

    def epoch_length(self, recipe: Recipe) -> float:
        """Photos in an epoch of ``recipe``'s sampler, as a multiple of all; 1 before the data were looked at."""
        if self.table is None:
            return 1.0
        return float(build_sampling(recipe.sampling).times_shown(self.table).mean())


NOTHING_KNOWN = SetFacts()
"""Of a set that nobody has looked at: like the competition's."""


def look_at_set(data: Path, recipe: Recipe) -> SetFacts:
    """The facts of the labeled photos in ``data``; decodes 40 of them and looks for faces. ``DataError`` as ever."""
    table = read_train(data, recipe.task, recipe.data.corrections).table
    places = np.unique(np.linspace(0, len(table) - 1, _LOOKED_AT).round().astype(np.int64))
    read = bytes_of(data)
    seen = [found for place in places if (found := _look(read, str(table.photo_N[place]))) is not None]
    shares = [share for *_, share in seen if share > 0]
    heights, widths = zip(*((height, width) for height, width, _ in seen), strict=True) if seen else ((512,), (384,))
    return SetFacts(
        table=table,
        photo_px=(int(np.median(heights)), int(np.median(widths))),
        face_share=float(np.median(shares)) if shares else 0.0,
        near_share=_near(table, recipe.task),
    )


def unmet(need: Need, facts: SetFacts) -> str | None:
    """Why a claim with this need is not testable on the set, and on which it would be; None where it is."""
    match need:
        case "room around the face":
            if facts.face_share <= ROOM:
                return None
            return (
                f"faces take {facts.face_share:.0%} of a photo's height here (median), so a crop has little left to "
                f"cut away; photos with hair, neck and background, at most {ROOM:.0%}, would do"
            )
        case "ages near the border":
            if facts.near_share >= NEAR_SHARE:
                return None
            return (
                f"{facts.near_share:.0%} of the last age group are within {NEAR_YEARS} years of its border here, so "
                f"the group hardly changes; a set that ends near the border, like the competition's, would do"
            )
        case _:
            assert_never(need)


def _look(read: Callable[[str], bytes], name: str) -> tuple[int, int, float] | None:
    """(height, width, the face's share of the height); None for a photo that cannot be read."""
    try:
        photo = read_photo(read, name)[1]
    except DataError:
        return None
    face = find_face(photo)
    share = 0.0 if face is None else (face.box_xyxy_px[3] - face.box_xyxy_px[1]) / photo.shape[0]
    return photo.shape[0], photo.shape[1], share


def _near(table: PhotoTable, task: Task) -> float:
    """Of the people of the last age group; 1 where ages in years are not known."""
    border = task.age_borders_years[-1]
    _, first = np.unique(table.person_N.astype(str), return_index=True)
    old = table.age_years_N[first]
    old = old[old >= border]
    return float(np.mean(old < border + NEAR_YEARS)) if len(old) else 1.0
