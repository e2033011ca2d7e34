"""Draw the picture of the README: ``python benchmarks/draw_picture.py docs/pictures/drawn-people.jpg``."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from maskwise.drawing.portraits import PHOTO_STATES, draw_person, draw_photo
from maskwise.files import write_atomically
from maskwise.seeds import rng_for

PEOPLE = ((24, "female"), (35, "male"), (47, "female"), (66, "male"))
TILE_HEIGHT_PX, TILE_WIDTH_PX = 176, 132


def main(out: Path) -> None:
    """One row a person, one column a photo."""
    rows = []
    for number, (age_years, gender) in enumerate(PEOPLE):
        person = draw_person(rng_for(7, "picture", number), age_years, gender)  # type: ignore[arg-type]
        photos = [draw_photo(person, state, rng_for(7, "photo", number, k)) for k, state in enumerate(PHOTO_STATES)]
        small = [cv2.resize(p, (TILE_WIDTH_PX, TILE_HEIGHT_PX), interpolation=cv2.INTER_AREA) for p in photos]
        rows.append(np.concatenate(small, axis=1))
    done, data = cv2.imencode(".jpg", np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done, "OpenCV writes any 8-bit image as JPEG"
    write_atomically(out, bytes(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
