"""Photos from disk in batches, decoded ahead by threads; what cannot be read is named, not hidden."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from maskwise.errors import DataError
from maskwise.fitting.photos import DECODING_THREADS
from maskwise.records import Image, Ints
from maskwise.workflows.photos_to_predict import InputPhotos

BATCH_PHOTOS = 64
"""Photos per forward pass: enough to keep the model busy, few enough to need little memory."""
BATCHES_AHEAD = 2

PreparedPhoto = tuple[Image, ...]
"""A photo as each of the models' inputs."""


class PhotoBatch(NamedTuple):
    """Some of the photos that were requested."""

    index_M: Ints
    """Positions of those that could be read."""
    pixels: tuple[Image, ...]
    """For each input an array M × H × W × 3; empty where none could be read."""
    problems: tuple[str, ...]
    """One line for each that could not."""
    requested: int


def photo_batches(photos: InputPhotos, prepare: Callable[[bytes, str], PreparedPhoto]) -> Iterator[PhotoBatch]:
    """All of ``photos`` in order; the next batches are decoded while the caller computes."""

    def read(position: int) -> PreparedPhoto | str:
        name = str(photos.table.photo_N[position])
        try:
            return prepare(photos.read(name), name)
        except DataError as error:
            return error.problems[0]

    waiting: deque[tuple[Ints, list[Future[PreparedPhoto | str]]]] = deque()
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decoding") as pool:
        for start in range(0, len(photos), BATCH_PHOTOS):
            index_M = np.arange(start, min(start + BATCH_PHOTOS, len(photos)))
            waiting.append((index_M, [pool.submit(read, int(position)) for position in index_M]))
            if len(waiting) > BATCHES_AHEAD:
                yield _collect(*waiting.popleft())
        while waiting:
            yield _collect(*waiting.popleft())


def _collect(index_M: Ints, futures: list[Future[PreparedPhoto | str]]) -> PhotoBatch:
    found = [future.result() for future in futures]
    photos = [each for each in found if not isinstance(each, str)]
    readable_M = np.array([not isinstance(each, str) for each in found])
    pixels = tuple(np.stack(of_input) for of_input in zip(*photos, strict=True))
    problems = tuple(each for each in found if isinstance(each, str))
    return PhotoBatch(index_M[readable_M], pixels, problems, len(index_M))
