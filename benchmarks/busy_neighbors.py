"""How OpenMP's threads should wait where others use the cores: ``python benchmarks/busy_neighbors.py``.

Training steps and predictions of a face network (random weights) beside 0, 1 and 2 processes that keep a core busy
each, with one thread and with one a core, which spin while they wait (for 300,000 turns unless something is set) or
sleep. Each setting is a process of its own, as OpenMP reads it once, and all go by turns. For the row without neighbors
the machine must be idle.

    python benchmarks/busy_neighbors.py
    python benchmarks/busy_neighbors.py --neighbors 0,1,2 --rounds 5 --seconds 4
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from maskwise.machine import usable_cores

SETTINGS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "all, spinning": {},
    "all, 10,000 turns": {"GOMP_SPINCOUNT": "10000"},
    "all, 1,000 turns": {"GOMP_SPINCOUNT": "1000"},
    "all, asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}
_OWN = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_PHOTOS = 32


def spin() -> None:
    """Keep a core busy until this process is ended."""
    while True:
        pass


def measure(seconds: float) -> str:
    """Photos/s of training steps and of predictions in this process, and cores used, as one line."""
    import torch

    from maskwise.labels import Task
    from maskwise.memory import keep_freed_memory
    from maskwise.models.build import build_model
    from maskwise.models.config import ModelConfig

    keep_freed_memory()
    config = ModelConfig.model_validate({"backbone": {"kind": "faces"}, "weights": {"kind": "none"}})
    model = build_model(config, Task()).to(memory_format=torch.channels_last)
    images_NCHW = torch.rand(_PHOTOS, 3, 128, 112).contiguous(memory_format=torch.channels_last)

    def train() -> None:
        model.train()(images_NCHW).logits_NC.square().mean().backward()

    def predict() -> None:
        with torch.inference_mode():
            model.eval()(images_NCHW)

    rates = []
    for work in (train, predict):
        work()
        started, worked, times = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < seconds:
            work()
            times += 1
        wall = time.perf_counter() - started
        rates += [times * _PHOTOS / wall, (time.process_time() - worked) / wall]
    return " ".join(f"{rate:.3f}" for rate in rates)


def measured_alone(setting: dict[str, str], seconds: float) -> list[float]:
    """``measure`` in a process that begins with ``setting``."""
    kept = {name: value for name, value in os.environ.items() if name not in _OWN}
    command = [sys.executable, str(Path(__file__)), "--one", "--seconds", str(seconds)]
    done = subprocess.run(command, env=kept | setting, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """All settings by turns beside each number of neighbors, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neighbors", default="0,1,2", help="numbers of busy processes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        print(measure(words.seconds))
        return
    print(f"{usable_cores()} cores, load before {os.getloadavg()[0]:.1f}; photos/s (cores used)")
    for n_neighbors in map(int, words.neighbors.split(",")):
        neighbors = [multiprocessing.Process(target=spin, daemon=True) for _ in range(n_neighbors)]
        for each in neighbors:
            each.start()
        rounds = [
            {name: measured_alone(setting, words.seconds) for name, setting in SETTINGS.items()}
            for _ in range(words.rounds)
        ]
        for each in neighbors:
            each.kill()
        for name in SETTINGS:
            train, train_cores, predict, predict_cores = (median(turn[name][k] for turn in rounds) for k in range(4))
            print(
                f"{n_neighbors} neighbors, {name:22}: training {train:6.1f} ({train_cores:.2f}), "
                f"prediction {predict:6.1f} ({predict_cores:.2f})"
            )


if __name__ == "__main__":
    main()
