from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.speed.decoding import DecodingSpeed, decode_bare, measure_decoding, resize_bare
from support.quirks import encode, noise


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(encode(noise(np.random.default_rng(number), 60, 44)))
    return files


def test_building_and_the_bare_decoder_are_measured_on_the_same_files(photos: list[Path]) -> None:
    threads = cv2.getNumThreads()
    found = measure_decoding(photos, 16, 12, rounds=1)
    assert min(found) > 0
    assert cv2.getNumThreads() == threads


def test_a_cache_of_reduced_photos_is_measured_too(photos: list[Path]) -> None:
    assert min(measure_decoding(photos, 16, 12, rounds=1, decoding="reduced")) > 0


def test_the_bare_decoder_reads_the_whole_photo(photos: list[Path]) -> None:
    assert decode_bare(photos[0]).shape == (60, 44, 3)
    assert resize_bare(photos[0], 16, 12).shape == (16, 12, 3)


def test_the_ratios_by_hand() -> None:
    found = DecodingSpeed(
        cache_per_second=400,
        cache_processor_ms=0.5,
        bare_per_second=800,
        bare_processor_ms=0.2,
        resized_per_second=500,
        resized_processor_ms=0.4,
        batch_ms=0.1,
    )
    assert (found.ratio, found.processor_ratio) == (0.5, 0.4)
