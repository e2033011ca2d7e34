"""How fast masks are drawn: portraits a second, each with its seven photos (six masks drawn, seven changes of pose).

    python benchmarks/draw_masks.py [--portraits 40] [--size 200] [--rounds 5] [--processes 1] [--cpu-time]

The portraits are drawn people, cut to a square around the face as in sets of faces, where masks are largest. Finding
the faces is timed apart. Decoding and writing files is not in it. Prints the median and the range over the rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np

from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.drawing.seven_photos import seven_photos
from maskwise.faces.detection import find_face
from maskwise.records import FaceBox, Image
from maskwise.seeds import rng_for

TOP_PX, LEFT_PX, SIDE_PX = 130, 82, 220
"""The part of a drawn photo that shows the face and little else."""


def draw_portraits(count: int, size_px: int) -> list[Image]:
    """``count`` people without a mask, each ``size_px`` square."""
    portraits = []
    for number in range(count):
        person = draw_person(rng_for(number, "benchmark"), 20 + number % 50, "female" if number % 2 else "male")
        photo_HWC = draw_photo(person, "normal", rng_for(number, "benchmark photo"))
        face_HWC = photo_HWC[TOP_PX : TOP_PX + SIDE_PX, LEFT_PX : LEFT_PX + SIDE_PX]
        portraits.append(np.ascontiguousarray(cv2.resize(face_HWC, (size_px, size_px), interpolation=cv2.INTER_AREA)))
    return portraits


def rates(count: int, size_px: int, rounds: int, clock: Callable[[], float]) -> tuple[list[float], list[float]]:
    """(portraits found a second, portraits drawn a second), one figure a round, in this process."""
    cv2.setNumThreads(1)
    portraits = draw_portraits(count, size_px)
    found: list[tuple[Image, FaceBox]] = []
    finding, drawing = [], []
    for _ in range(rounds + 1):
        start = clock()
        faces = [find_face(portrait_HWC) for portrait_HWC in portraits]
        finding.append(len(portraits) / (clock() - start))
        found = [(portrait, face) for portrait, face in zip(portraits, faces, strict=True) if face is not None]
        start = clock()
        for number, (portrait_HWC, face) in enumerate(found):
            seven_photos(portrait_HWC, face, rng_for(number, "benchmark masks"))
        drawing.append(len(found) / (clock() - start))
    return finding[1:], drawing[1:]


def described(name: str, figures: list[float]) -> str:
    """Median and range."""
    return f"{name:<44} {statistics.median(figures):8.1f} /s  ({min(figures):.1f} to {max(figures):.1f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=int, default=40)
    parser.add_argument("--size", type=int, default=200, help="pixels a side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1, help="at the same time, each with all the portraits")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time instead of wall time, for busy machines"
    )
    options = parser.parse_args()
    clock = time.process_time if options.cpu_time else time.perf_counter
    work = (options.portraits, options.size, options.rounds, clock)
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        rates_of = list(pool.map(rates, *([value] * options.processes for value in work)))
    finding, drawing = ([sum(each) for each in zip(*(each[k] for each in rates_of), strict=True)] for k in (0, 1))
    print(f"{options.portraits} portraits of {options.size} × {options.size}, {options.processes} process(es)")
    print(described("faces found", finding))
    print(described("portraits with seven photos drawn", drawing))
    print(described("masks drawn", [6 * figure for figure in drawing]))


if __name__ == "__main__":
    main()
