"""Photos kept on the device: the same numbers as sent ones, read once, and only where there is room."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.records import Image, Ints
from maskwise.training.photos_on_gpu import MOST_OF_FREE_MEMORY, ResidentPhotos, near
from support.fits import equal_weights, tiny_fit, weights_after

CPU, GPU = torch.device("cpu"), torch.device("cuda")
PHOTO_BYTES = 4 * 5 * 3


class Counting:
    """Reads, and counts how often each photo was read."""

    def __init__(self, n_photos: int) -> None:
        self.pixels_NHWC = np.random.default_rng(0).integers(0, 256, (n_photos, 4, 5, 3), dtype=np.uint8)
        self.asked_N = np.zeros(n_photos, dtype=int)

    def __call__(self, index_M: Ints) -> Image:
        np.add.at(self.asked_N, index_M, 1)
        return self.pixels_NHWC[index_M]


@pytest.mark.parametrize("n_photos", [1, 511, 512, 1025])
def test_every_photo_is_read_once_and_returned_in_any_order(n_photos: int) -> None:
    read = Counting(n_photos)
    resident = ResidentPhotos(read, n_photos, CPU)
    assert read.asked_N.sum() == 0, "nothing is read before it is needed"
    for seed in range(3):
        index_M = np.random.default_rng(seed).integers(0, n_photos, 9)
        assert np.array_equal(resident(index_M).numpy(), read.pixels_NHWC[index_M])
    assert set(read.asked_N.tolist()) == {1}


def test_threads_that_begin_together_read_once() -> None:
    read = Counting(2000)
    resident = ResidentPhotos(read, 2000, CPU)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: resident(np.arange(start, start + 5)), range(0, 2000, 250)))
    assert set(read.asked_N.tolist()) == {1}
    assert all(np.array_equal(a.numpy(), read.pixels_NHWC[k * 250 : k * 250 + 5]) for k, a in enumerate(found))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_has_the_same_weights_as_with_photos_that_are_sent(workers: int, tmp_path: Path) -> None:
    fit = tiny_fit(TrainConfig(epochs=2, batch_size=8), RuntimeConfig(device="cpu", workers=workers))
    resident = ResidentPhotos(fit.source.read, len(fit.source.table), CPU)
    kept = dataclasses.replace(fit, source=dataclasses.replace(fit.source, read=resident))
    assert equal_weights(weights_after(kept, tmp_path / "kept"), weights_after(fit, tmp_path / "sent"))


def test_photos_stay_where_they_are_on_a_cpu() -> None:
    read = Counting(3)
    assert near(CPU, read, 3, PHOTO_BYTES) is read


@pytest.mark.parametrize(("free_bytes", "kept"), [(10_000, True), (8_000, True), (7_900, False), (0, False)])
def test_a_gpu_keeps_what_it_has_room_for(free_bytes: int, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free_bytes, 80_000))
    read = Counting(53)  # 3,180 bytes, two fifths of 7,950
    assert MOST_OF_FREE_MEMORY == 0.4
    assert isinstance(near(GPU, read, 53, PHOTO_BYTES), ResidentPhotos) == kept
    assert near(GPU, read, 0, PHOTO_BYTES) is read, "an empty set has nothing to keep"


@pytest.mark.gpu
def test_on_a_gpu_the_photos_are_the_same() -> None:
    read = Counting(700)
    picked = near(GPU, read, 700, PHOTO_BYTES)(np.array([3, 3, 699, 0]))
    assert isinstance(picked, torch.Tensor)
    assert picked.device.type == "cuda"
    assert np.array_equal(picked.cpu().numpy(), read.pixels_NHWC[[3, 3, 699, 0]])
