"""A folder of photos for ``maskwise bench predict``: ``python benchmarks/photo_folder.py OUT --photos 10000``.

Drawn portraits of 384 × 512, the size of the competition's photos, each with noise of its own, as JPEGs of about 40 kB.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from maskwise.drawing.portraits import PHOTO_STATES, draw_person, draw_photo
from maskwise.records import Image
from maskwise.seeds import rng_for

PEOPLE = 10
QUALITY = 90
NOISE_DEVIATION = 4.0


def portraits() -> list[Image]:
    """Seven photos of each of ten drawn people."""
    people = [
        draw_person(rng_for(0, "photo folder", number), 20 + 5 * number, ("male", "female")[number % 2])
        for number in range(PEOPLE)
    ]
    return [
        draw_photo(person, state, rng_for(0, "photo folder", number, place))
        for number, person in enumerate(people)
        for place, state in enumerate(PHOTO_STATES)
    ]


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=int, default=10_000)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    drawn = portraits()
    height, width = drawn[0].shape[:2]
    rng = rng_for(0, "photo folder noise")
    # One large field of noise, of which each photo shows another window: drawing it anew takes longer than all else.
    noise = rng.normal(0, NOISE_DEVIATION, (2 * height, 2 * width, 3)).astype(np.int16)
    for number in range(options.photos):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        noisy = drawn[number % len(drawn)] + noise[top : top + height, left : left + width]
        photo = np.clip(noisy, 0, 255).astype(np.uint8)
        encoded = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        (options.out / f"{number:06d}.jpg").write_bytes(encoded.tobytes())
    print(f"{options.out}: {options.photos} photos of {width} × {height}")


if __name__ == "__main__":
    main()
