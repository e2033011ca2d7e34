"""How fast a bundle predicts photos on disk, beside what bounds it and beside the loop one would write first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import BLOCK_PHOTOS, Bundle
from maskwise.speed.plain_prediction import PlainLoop, plain_rate
from maskwise.speed.rates import Rate, median_rate, timed

PLAIN_BATCHES = (1, 64)
PLAIN_SHARE = 4
"""The plain loop gets this part of the photos: it is slow, and as steady over fewer."""


class PredictionSpeed(NamedTuple):
    """Medians over the rounds."""

    rates: dict[str, Rate]
    ratios: dict[str, float]


def measure_prediction(bundle: Bundle, photos: Sequence[Path], plain_model: str, rounds: int) -> PredictionSpeed:
    """Files → predictions, its two halves alone, and the plain loop on the same photos, by turns, ``rounds`` times.

    The plain loop has one network; for a bundle of several, it sees as many views per photo.
    """
    shown = bundle.manifest.inputs[0]
    views = sum(len(part.views) * len(part.networks) for part in bundle.manifest.parts)
    ready = [bundle.prepare(photo, str(photo)) for photo in photos]
    whole: dict[str, Callable[[], None]] = {
        "predict": lambda: predict_all(bundle, photos),
        "decode alone": lambda: _prepare_all(bundle, photos),
        "model alone": lambda: _run_networks(bundle, ready),
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


def predict_all(bundle: Bundle, photos: Sequence[Path]) -> None:
    """What ``predict`` does between the names of photos and the table."""
    blocks = list(bundle.blocks(photos, lambda photo: [bundle.preparer.whole(photo, str(photo))]))
    bundle.probabilities(blocks)


def _prepare_all(bundle: Bundle, photos: Sequence[Path]) -> None:
    with ThreadPoolExecutor(bundle.threads) as pool:
        for _ in pool.map(lambda photo: bundle.prepare(photo, str(photo)), photos):
            pass


def _run_networks(bundle: Bundle, ready: Sequence[Prepared]) -> None:
    parts = [ready[start : start + BLOCK_PHOTOS] for start in range(0, len(ready), BLOCK_PHOTOS)]
    with ThreadPoolExecutor(bundle.threads) as pool:
        for _ in pool.map(bundle.networks.predict, parts):
            pass


def _ratios(rates: dict[str, Rate], speed: Callable[[Rate], float]) -> dict[str, float]:
    whole, decode, model = (speed(rates[name]) for name in ("predict", "decode alone", "model alone"))
    ratios = {f"predict to the {name}": whole / speed(rates[name]) for name in rates if name.startswith("plain")}
    return ratios | {
        "predict to the slower of decode and model": whole / min(decode, model),
        # Both share the same cores, so their times add up.
        "predict to decode and model one after the other": whole * (1 / decode + 1 / model),
    }
