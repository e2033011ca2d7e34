"""How fast a bundle answers for photos on disk, beside what bounds it and beside the loop one would write first."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import BLOCK_PHOTOS, Bundle
from maskwise.speed.plain_prediction import PlainLoop, Rate, plain_rate

PLAIN_BATCHES = (1, 64)
PLAIN_SHARE = 4
"""The plain loop is shown this part of the photos: it is slow, and as steady over fewer."""


class PredictionSpeed(NamedTuple):
    """Medians over the rounds."""

    rates: dict[str, Rate]
    ratios: dict[str, float]


def measure_prediction(bundle: Bundle, photos: Sequence[Path], plain_model: str, rounds: int) -> PredictionSpeed:
    """Files → answers, its two halves alone, and the plain loop on the same photos, by turns, ``rounds`` times.

    The plain loop asks one network; of a bundle with several, it is asked for as many views of a photo.
    """
    shown = bundle.manifest.inputs[0]
    views = sum(len(part.views) * len(part.networks) for part in bundle.manifest.parts)
    ready = [bundle.prepare(photo, str(photo)) for photo in photos]
    whole: dict[str, Callable[[], None]] = {
        "predict": lambda: answer_all(bundle, photos),
        "decode alone": lambda: _prepare_all(bundle, photos),
        "model alone": lambda: _ask_all(bundle, ready),
    }
    loops = {
        f"plain loop, batch {size}": PlainLoop(plain_model, shown.height_px, shown.width_px, views, size)
        for size in PLAIN_BATCHES
    }
    few = photos[: max(1, len(photos) // PLAIN_SHARE)]
    found: dict[str, list[Rate]] = {name: [] for name in (*whole, *loops)}
    for work in whole.values():
        work()
    for _ in range(rounds):
        for name, work in whole.items():
            found[name].append(timed(work, len(photos)))
        for name, loop in loops.items():
            found[name].append(plain_rate(loop, few))
    rates = {name: median_rate(each) for name, each in found.items()}
    return PredictionSpeed(rates, _ratios(rates, lambda rate: rate.photos_per_second))


def processor_ratios(rates: dict[str, Rate]) -> dict[str, float]:
    """The ratios by time of the processor instead of the clock: what other work on the machine hardly changes."""
    return _ratios(rates, lambda rate: 1 / rate.processor_ms)


def answer_all(bundle: Bundle, photos: Sequence[Path]) -> None:
    """What ``predict`` does between the names of photos and the table."""
    blocks = list(bundle.blocks(photos, lambda photo: [bundle.preparer.whole(photo, str(photo))]))
    bundle.probabilities([block.asked for block in blocks if block.asked is not None])


def timed(work: Callable[[], object], n_photos: int) -> Rate:
    """How fast ``work`` on ``n_photos`` went."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return Rate(n_photos, time.perf_counter() - started, time.process_time() - worked)


def median_rate(rates: Sequence[Rate]) -> Rate:
    """The medians of both times; all rates are of as many photos."""
    clock = statistics.median(rate.seconds for rate in rates)
    return Rate(rates[0].photos, clock, statistics.median(rate.processor_seconds for rate in rates))


def _prepare_all(bundle: Bundle, photos: Sequence[Path]) -> None:
    with ThreadPoolExecutor(bundle.threads) as pool:
        for _ in pool.map(lambda photo: bundle.prepare(photo, str(photo)), photos):
            pass


def _ask_all(bundle: Bundle, ready: Sequence[Prepared]) -> None:
    parts = [ready[start : start + BLOCK_PHOTOS] for start in range(0, len(ready), BLOCK_PHOTOS)]
    with ThreadPoolExecutor(bundle.threads) as pool:
        for _ in pool.map(bundle.networks.ask, parts):
            pass


def _ratios(rates: dict[str, Rate], speed: Callable[[Rate], float]) -> dict[str, float]:
    whole, decode, model = (speed(rates[name]) for name in ("predict", "decode alone", "model alone"))
    ratios = {f"predict to the {name}": whole / speed(rates[name]) for name in rates if name.startswith("plain")}
    return ratios | {
        "predict to the slower of decode and model": whole / min(decode, model),
        # Both share the same cores, so their times add up.
        "predict to decode and model one after the other": whole * (1 / decode + 1 / model),
    }
