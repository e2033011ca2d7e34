"""How fast photos on disk become a pixel cache, beside the bare decoder, and how fast a batch is read from it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from maskwise.data.cache import PixelCache, build_cache
from maskwise.faces.config import FullFrame, decisive_settings
from maskwise.fitting.photos import DECODING_THREADS, cache_settings, photo_reader
from maskwise.records import Image, InputSpec
from maskwise.seeds import rng_for
from maskwise.speed.rates import median_rate, timed

BATCH = 64
_BATCHES = 200


class DecodingSpeed(NamedTuple):
    """Medians over the rounds; photos per second on the clock, and milliseconds of the processor per photo."""

    cache_per_second: float
    cache_processor_ms: float
    bare_per_second: float
    bare_processor_ms: float
    resized_per_second: float
    """Of the bare decoder and the bare resize."""
    resized_processor_ms: float
    batch_ms: float
    """To read a batch of 64 photos from the cache; the median of 200."""

    @property
    def ratio(self) -> float:
        """Of building the cache to the bare decoder, on the clock."""
        return self.cache_per_second / self.bare_per_second

    @property
    def processor_ratio(self) -> float:
        """The same by time of the processor, which other work on the machine hardly changes."""
        return self.bare_processor_ms / self.cache_processor_ms


def measure_decoding(
    photos: Sequence[Path], height_px: int, width_px: int, rounds: int, decoding: Literal["full", "reduced"] = "full"
) -> DecodingSpeed:
    """Build a cache of ``photos`` and decode them with OpenCV alone (libjpeg-turbo for JPEGs), by turns, from files on.

    OpenCV alone always decodes the whole photo. The cache, which follows ``decoding``, also checks each file, crops,
    resizes, hashes and writes; all use as many threads.
    """
    crop = decisive_settings(FullFrame(decoding=decoding))
    spec = InputSpec(height_px, width_px, crop, (0.5,) * 3, (0.5,) * 3)
    n_photos, resize = len(photos), partial(resize_bare, height_px=height_px, width_px=width_px)
    cache_times, bare_times, resized_times, batch_times = [], [], [], []
    for _ in range(rounds):
        bare_times.append(timed(lambda: _in_threads(decode_bare, photos), n_photos))
        resized_times.append(timed(lambda: _in_threads(resize, photos), n_photos))
        with tempfile.TemporaryDirectory() as folder:
            pixels: list[PixelCache] = []
            cache_times.append(timed(lambda: pixels.append(_build(Path(folder), photos, spec)), n_photos))  # noqa: B023
            batch_times.append(_batch_seconds(pixels[0]))
    cache, bare, resized = median_rate(cache_times), median_rate(bare_times), median_rate(resized_times)
    return DecodingSpeed(
        cache_per_second=cache.photos_per_second,
        cache_processor_ms=cache.processor_ms,
        bare_per_second=bare.photos_per_second,
        bare_processor_ms=bare.processor_ms,
        resized_per_second=resized.photos_per_second,
        resized_processor_ms=resized.processor_ms,
        batch_ms=1000 * statistics.median(batch_times),
    )


def _build(folder: Path, photos: Sequence[Path], spec: InputSpec) -> PixelCache:
    return build_cache(
        folder,
        photos,
        cache_settings(spec),
        photo_reader(spec),
        spec.height_px,
        spec.width_px,
        threads=DECODING_THREADS,
        advance=lambda _: None,
    )


def decode_bare(photo: Path) -> Image:
    """The photo by OpenCV, without any check of ours."""
    pixels = cv2.imdecode(np.frombuffer(photo.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, dtype=np.uint8)


def resize_bare(photo: Path, height_px: int, width_px: int) -> Image:
    """The same at another size."""
    resized = cv2.resize(decode_bare(photo), (width_px, height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


def _in_threads(work: Callable[[Path], Image], photos: Sequence[Path]) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        for _ in pool.map(work, photos):
            pass
    cv2.setNumThreads(before)


def _batch_seconds(pixels: PixelCache) -> float:
    rng = rng_for(0, "batches to read")
    seconds = []
    for _ in range(_BATCHES):
        index_M = rng.integers(0, len(pixels), BATCH)
        started = time.perf_counter()
        pixels.read(index_M)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
