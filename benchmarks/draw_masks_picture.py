"""Draw the picture of docs/masks.md: ``python benchmarks/draw_masks_picture.py docs/pictures/drawn-masks.jpg``."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from maskwise.drawing.draw_masks import draw_mask, plan_mask
from maskwise.drawing.mask_plan import CLOTH_KINDS, WEARINGS
from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.faces.detection import find_face
from maskwise.files import write_atomically
from maskwise.seeds import rng_for

PEOPLE = ((31, "female"), (44, "male"))
TILE_HEIGHT_PX, TILE_WIDTH_PX = 176, 150


def main(out: Path) -> None:
    """The kinds of mask on one person, the ways to wear one wrong on another."""
    rows = []
    for number, (age_years, gender) in enumerate(PEOPLE):
        person = draw_person(rng_for(11, "picture", number), age_years, gender)  # type: ignore[arg-type]
        photo_HWC = draw_photo(person, "normal", rng_for(11, "photo", number))
        face = find_face(photo_HWC)
        assert face is not None, "the detector finds these drawn people"
        ways = [("right", kind) for kind in CLOTH_KINDS] if number == 0 else [(way, None) for way in WEARINGS]
        plans = [plan_mask(rng_for(11, "mask", number, k), way, kind) for k, (way, kind) in enumerate(ways)]  # type: ignore[arg-type]
        photos = [draw_mask(photo_HWC, np.array(face.landmarks_px), plan) for plan in plans]
        photos = [*([photo_HWC] if number else []), *photos]
        tiles = [
            cv2.resize(photo[70:410, 47:337], (TILE_WIDTH_PX, TILE_HEIGHT_PX), interpolation=cv2.INTER_AREA)
            for photo in photos
        ]
        rows.append(np.concatenate(tiles, axis=1))
    done, data = cv2.imencode(".jpg", np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done, "OpenCV writes any 8-bit image as JPEG"
    write_atomically(out, bytes(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
