"""What each augmentation and each mixing costs on one CPU thread.

    python benchmarks/augment_cost.py [--batch 32] [--height 128] [--width 112] [--seconds 0.5]

Prints photos per second and milliseconds per photo of every kind at its defaults with p = 1 (every photo changed), the
median over batches. For the scale: training a small network at this size takes about 16 ms per photo on two CPU cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from maskwise.augment.build import Augment, build_augmentation, build_mixing
from maskwise.augment.config import AugmentConfig, MixingConfig, NoMixing

N_CLASSES = 18
OLDEST_CLASSES = (2, 5, 8, 11, 14, 17)

Change = Callable[[Tensor, Tensor, np.random.Generator], object]


def changes() -> Iterator[tuple[str, Change]]:
    """Every kind of augmentation, then every kind of mixing, each as one function of images, target and rng."""
    for kind in get_args(get_args(AugmentConfig)[0]):
        yield kind().kind, without_target(build_augmentation(kind(p=1.0)))
    for kind in get_args(get_args(MixingConfig)[0]):
        if kind is not NoMixing:
            yield kind().kind, build_mixing(kind(p=1.0), OLDEST_CLASSES)


def without_target(augment: Augment) -> Change:
    """An augmentation called as a mixing is."""

    def change(images_NCHW: Tensor, target_NC: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: ARG001
        return augment(images_NCHW, rng)

    return change


def seconds_per_batch(change: Change, images_NCHW: Tensor, target_NC: Tensor, seconds: float) -> float:
    """The median time of one batch over about ``seconds``, after one batch that does not count."""
    rng = np.random.default_rng(0)
    change(images_NCHW, target_NC, rng)
    taken: list[float] = []
    while sum(taken) < seconds:
        start = time.perf_counter()
        change(images_NCHW, target_NC, rng)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="photos in a batch")
    parser.add_argument("--height", type=int, default=128, help="pixels")
    parser.add_argument("--width", type=int, default=112, help="pixels")
    parser.add_argument("--seconds", type=float, default=0.5, help="time spent on each kind")
    options = parser.parse_args()

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    shape = (options.batch, 3, options.height, options.width)
    images_NCHW = torch.from_numpy(rng.random(shape, dtype=np.float32))
    target_NC = torch.eye(N_CLASSES)[torch.from_numpy(rng.integers(N_CLASSES, size=options.batch))]

    print(f"batch {options.batch}, {options.height} × {options.width} pixels, one thread, p = 1")
    print(f"{'kind':<16} {'photos/s':>10} {'ms/photo':>10}")
    for name, change in changes():
        spent = seconds_per_batch(change, images_NCHW, target_NC, options.seconds)
        print(f"{name:<16} {options.batch / spent:>10.0f} {1000 * spent / options.batch:>10.3f}")


if __name__ == "__main__":
    main()
