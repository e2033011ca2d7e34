"""Photos from disk in batches, decoded ahead by threads; what cannot be read is told, not hidden."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskwise.errors import DataError
from maskwise.fitting.photos import DECODING_THREADS
from maskwise.records import Image, Ints, Strings

BATCH_PHOTOS = 64
"""Photos a forward pass: enough to keep the model busy, few enough to need little memory."""
BATCHES_AHEAD = 2


class PhotoBatch(NamedTuple):
    """Some of the photos that were asked for."""

    index_M: Ints
    """Positions of those that could be read."""
    pixels_MHWC: Image
    problems: tuple[str, ...]
    """One line for each that could not."""
    asked: int
    """How many were asked for."""


def photo_batches(root: Path, photo_N: Strings, prepare: Callable[[bytes, str], Image]) -> Iterator[PhotoBatch]:
    """All photos of ``photo_N`` below ``root`` in order; the next batches are decoded while the caller computes."""

    def read(position: int) -> Image | str:
        return _read_photo(root, str(photo_N[position]), prepare)

    waiting: deque[tuple[Ints, list[Future[Image | str]]]] = deque()
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decoding") as pool:
        for start in range(0, len(photo_N), BATCH_PHOTOS):
            index_M = np.arange(start, min(start + BATCH_PHOTOS, len(photo_N)))
            waiting.append((index_M, [pool.submit(read, int(position)) for position in index_M]))
            if len(waiting) > BATCHES_AHEAD:
                yield _collect(*waiting.popleft())
        while waiting:
            yield _collect(*waiting.popleft())


def _read_photo(root: Path, name: str, prepare: Callable[[bytes, str], Image]) -> Image | str:
    """The prepared pixels, or what is wrong in one line."""
    try:
        return prepare((root / name).read_bytes(), name)
    except DataError as error:
        return error.problems[0]
    except OSError as error:
        return f"{name} must be a readable file, got {error.strerror}. Check it, or leave it out."


def _collect(index_M: Ints, futures: list[Future[Image | str]]) -> PhotoBatch:
    answers = [future.result() for future in futures]
    photos = [answer for answer in answers if not isinstance(answer, str)]
    readable_M = np.array([not isinstance(answer, str) for answer in answers])
    pixels = np.stack(photos) if photos else np.zeros((0, 1, 1, 3), dtype=np.uint8)
    problems = tuple(answer for answer in answers if isinstance(answer, str))
    return PhotoBatch(index_M[readable_M], pixels, problems, len(index_M))
