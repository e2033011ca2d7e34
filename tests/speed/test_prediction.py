from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.export.reader import load
from maskwise.speed import prediction as prediction_speed
from maskwise.speed.plain_prediction import PlainLoop, plain_rate
from maskwise.speed.prediction import measure_prediction, processor_ratios
from maskwise.speed.rates import Rate, median_rate
from support.small_bundle import HEIGHT, WIDTH, write_small_bundle


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.jpg" for number in range(8)]
    for file in files:
        cv2.imwrite(str(file), rng.integers(0, 256, (60, 50, 3), dtype=np.uint8))
    return files


def test_a_rate_counts_photos_by_both_clocks() -> None:
    rate = Rate(photos=200, seconds=4.0, processor_seconds=6.0)
    assert (rate.photos_per_second, rate.processor_ms) == (50, 30)
    assert median_rate([Rate(2, 1, 9), Rate(2, 5, 3), Rate(2, 3, 6)]) == Rate(2, 3, 6)


def test_the_ratios_by_hand() -> None:
    """Decoding takes 2 ms, the model 3, both together 6 and the plain loop 24."""
    rates = {name: Rate(1, 1.0, ms / 1000) for name, ms in (("predict", 6), ("decode alone", 2), ("model alone", 3))}
    ratios = processor_ratios({**rates, "plain loop, batch 64": Rate(1, 1.0, 0.024)})
    assert ratios["predict to the plain loop, batch 64"] == pytest.approx(4)
    assert ratios["predict to the slower of decode and model"] == pytest.approx(0.5)
    assert ratios["predict to decode and model one after the other"] == pytest.approx(5 / 6)


def test_all_that_is_measured_reads_the_same_photos(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown_to: list[tuple[PlainLoop, int]] = []

    def plain(loop: PlainLoop, shown: Sequence[Path]) -> Rate:
        shown_to.append((loop, len(shown)))
        return Rate(len(shown), 1.0, 1.0)

    monkeypatch.setattr(prediction_speed, "plain_rate", plain)
    with load(write_small_bundle(tmp_path / "bundle"), threads=1) as bundle:
        found = measure_prediction(bundle, photos, "resnet18", rounds=2)
    assert [found.rates[name].photos for name in ("predict", "decode alone", "model alone")] == [8, 8, 8]
    assert all(rate.seconds > 0 for rate in found.rates.values())
    # Two rounds of two sizes of batch, each on a quarter of the photos, at the bundle's size.
    assert shown_to == [(PlainLoop("resnet18", HEIGHT, WIDTH, 1, size), 2) for size in (1, 64)] * 2


@pytest.mark.slow
def test_the_plain_loop_runs_in_a_process_of_its_own(photos: list[Path]) -> None:
    rate = plain_rate(PlainLoop("resnet18", 32, 32, views=2, batch_size=3), photos)
    assert rate.photos == 8
    assert rate.seconds > 0
