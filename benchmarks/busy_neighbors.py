"""How OpenMP's threads should wait where others use the cores: ``python benchmarks/busy_neighbors.py``.

Training steps and predictions of a face network (random weights) beside 0, 1 and 2 processes that keep a core busy
each, with one thread and with one a core, which spin while they wait (for 300,000 turns unless something is set) or
sleep. OpenMP reads its setting once, so each has a process that is kept; they go by turns, back and forth, and ratios
are medians over turns. For the rows without neighbors the machine must be idle.

    python benchmarks/busy_neighbors.py
    python benchmarks/busy_neighbors.py --neighbors 0 --turns 20
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from statistics import median, quantiles

from maskwise.machine import usable_cores

SPINNING = "all, spinning"
SETTINGS = {
    SPINNING: {"GOMP_SPINCOUNT": "300000"},  # as with nothing set
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "all, 10,000 turns": {"GOMP_SPINCOUNT": "10000"},
    "all, 1,000 turns": {"GOMP_SPINCOUNT": "1000"},
    "all, asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}
_OWN = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_WORKS = ("training", "prediction")
_PHOTOS = 32


def spin() -> None:
    """Keep a core busy until this process is ended."""
    while True:
        pass


def work_when_asked(seconds: float) -> None:
    """For each line of stdin that names a work, do it for ``seconds`` and print photos/s and cores used."""
    import torch

    from maskwise.labels import Task
    from maskwise.memory import keep_freed_memory
    from maskwise.models.build import build_model
    from maskwise.models.config import ModelConfig

    keep_freed_memory()
    config = ModelConfig.model_validate({"backbone": {"kind": "faces"}, "weights": {"kind": "none"}})
    model = build_model(config, Task()).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    images_NCHW = torch.rand(_PHOTOS, 3, 128, 112).contiguous(memory_format=torch.channels_last)

    def train() -> None:
        optimizer.zero_grad()
        model.train()(images_NCHW).logits_NC.square().mean().backward()
        optimizer.step()

    def predict() -> None:
        with torch.inference_mode():
            model.eval()(images_NCHW)

    works = dict(zip(_WORKS, (train, predict), strict=True))
    for line in sys.stdin:
        work = works[line.strip()]
        work()  # the first time of a turn wakes threads and reserves memory
        started, worked, times = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < seconds:
            work()
            times += 1
        elapsed = time.perf_counter() - started
        print(times * _PHOTOS / elapsed, (time.process_time() - worked) / elapsed, flush=True)


class Worker:
    """A process that begins with one of ``SETTINGS``."""

    def __init__(self, setting: dict[str, str], seconds: float) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in _OWN}
        command = [sys.executable, __file__, "--one", "--seconds", str(seconds)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=kept | setting, stdin=pipe, stdout=pipe, text=True)

    def measure(self, work: str) -> tuple[float, float]:
        """Photos/s of ``work``, and cores used."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(work, file=self.process.stdin, flush=True)
        rate, cores = self.process.stdout.readline().split()
        return float(rate), float(cores)


def compare_settings(workers: dict[str, Worker], turns: int, title: str) -> None:
    """All workers by turns, then a line for each work and setting."""
    measured: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for turn in range(turns):
        for work in _WORKS:
            for name in list(workers)[:: -1 if turn % 2 else 1]:
                measured.setdefault((work, name), []).append(workers[name].measure(work))
    for (work, name), rows in measured.items():
        ratios = [row[0] / base[0] for row, base in zip(rows, measured[work, SPINNING], strict=True)]
        low, _, high = quantiles(ratios, n=4)
        print(
            f"{title}, {work:10}, {name:18}: {median(row[0] for row in rows):6.1f} photos/s, "
            f"{median(row[1] for row in rows):.2f} cores, {median(ratios):5.3f} of spinning ({low:.3f} to {high:.3f})",
            flush=True,
        )


def main() -> None:
    """All settings by turns beside each number of neighbors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neighbors", default="0,1,2", help="numbers of busy processes")
    parser.add_argument("--turns", type=int, default=10, help="of each setting")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        work_when_asked(words.seconds)
        return
    print(f"{usable_cores()} cores, load before {os.getloadavg()[0]:.1f}; quartiles over turns in brackets")
    workers = {name: Worker(setting, words.seconds) for name, setting in SETTINGS.items()}
    for worker in workers.values():
        worker.measure(_WORKS[0])
    for n_neighbors in map(int, words.neighbors.split(",")):
        neighbors = [multiprocessing.Process(target=spin, daemon=True) for _ in range(n_neighbors)]
        for each in neighbors:
            each.start()
        compare_settings(workers, words.turns, f"{n_neighbors} neighbors")
        for each in neighbors:
            each.kill()
            each.join()
    for worker in workers.values():
        worker.process.kill()


if __name__ == "__main__":
    main()
