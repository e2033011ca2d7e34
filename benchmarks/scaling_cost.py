"""How time falls with the number of workers n, as a + b / n: ``python benchmarks/scaling_cost.py [options]``.

Many trainings: series of --series runs of ``probe`` on cached features, by one process and by Ray with 1 to --workers
workers, each bound to as many cores. Seconds of a command = a + b · runs / n, by least squares over all series and n;
beside it a and b of one process, so that their differences are what Ray costs for each command and each run.

One training: an epoch of ``quick-imagenet`` at two sizes of photo by 1 to --workers processes of torchrun, one core
each, by the run's own clock, which leaves starting out. Seconds of an epoch = a + b / n.

Everything is trained on people drawn by code. All take turns, and the fit is of medians over --turns; beside seconds by
the clock stand those of the processor, where the operating system says whose they were.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from maskwise.drawing.demo_set import write_demo_set
from maskwise.recipe.load import dump_recipe, load_recipe
from maskwise.training.fold_files import LOG

SIZES = ((64, 56), (128, 112))
"""Height and width of the photos of one training."""
PLAIN = 0
"""Stands for the number of workers where one process trains without Ray."""


class Took(NamedTuple):
    """What a command took."""

    seconds: float
    busy_s: float
    """Of the processor; none of those who were still at work when it ended."""


def run(words: Sequence[str], cores: int, **environment: str) -> Took:
    """A command on the first ``cores`` cores of this process."""
    own = sorted(os.sched_getaffinity(0))[:cores]
    started = time.perf_counter()
    process = subprocess.Popen(  # wait4 below says what it took of the processor
        words,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.DEVNULL,
        preexec_fn=partial(os.sched_setaffinity, 0, own),
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return Took(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


def time_series(folder: Path, n_runs: int, workers: int, turn: int) -> Took:
    """``n_runs`` trainings in a store of their own; features are there already."""
    recipes = []
    for seed in range(n_runs):
        recipes.append(str(folder / f"seed-{seed}.yaml"))
        Path(recipes[-1]).write_text(dump_recipe(load_recipe("probe", [f"seed={seed}", "runtime.device=cpu"])))
    store = folder / f"series-{n_runs}-{workers}-{turn}"
    words = ["-m", "maskwise", "train", *recipes, *places(folder, store)]
    return run([sys.executable, *words, *(["--engine", "ray"] if workers else [])], workers or 1)


def time_epoch(folder: Path, size: tuple[int, int], workers: int, turn: int) -> float:
    """Seconds of the second epoch; the first one finds its kernels."""
    store = folder / f"epoch-{size[0]}-{workers}-{turn}"
    changes = ("train.epochs=2", f"input.height_px={size[0]}", f"input.width_px={size[1]}", "runtime.device=cpu")
    words = ["-m", "maskwise", "train", "quick-imagenet", *(word for each in changes for word in ("--set", each))]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(workers)]
    run([sys.executable, *launcher, *words, *places(folder, store)], workers)
    (log,) = store.rglob(LOG)
    return float(json.loads(log.read_text().splitlines()[-1])["seconds"])


def places(folder: Path, store: Path) -> list[str]:
    """The words that say where."""
    return ["--data", str(folder / "data"), "--store", str(store), "--cache", str(folder / "cache"), "--quiet"]


def fit(seconds_of: Mapping[float, float]) -> tuple[float, float]:
    """a and b of seconds = a + b · x, by least squares; the keys are x."""
    x_K = np.array(list(seconds_of))
    (a, b), *_ = np.linalg.lstsq(np.stack([np.ones_like(x_K), x_K], axis=1), list(seconds_of.values()), rcond=None)
    return float(a), float(b)


def print_series(took: Mapping[tuple[int, int], Sequence[Took]]) -> None:
    """Medians, both fits, and from how many runs on Ray is the faster."""
    seconds = {key: median(each.seconds for each in turns) for key, turns in took.items()}
    plain_a, plain_b = fit({runs: value for (runs, workers), value in seconds.items() if workers == PLAIN})
    rows = [(runs, workers, value) for (runs, workers), value in seconds.items() if workers]
    shares = np.array([[1.0, runs / workers] for runs, workers, _ in rows])
    (ray_a, ray_b), *_ = np.linalg.lstsq(shares, np.array([value for *_, value in rows]), rcond=None)
    for (runs, workers), value in seconds.items():
        fitted = plain_a + plain_b * runs if workers == PLAIN else ray_a + ray_b * runs / workers
        busy = median(each.busy_s for each in took[runs, workers])
        who = f"Ray, n = {workers}" if workers else "one process"
        spread = ", ".join(f"{each.seconds:.1f}" for each in took[runs, workers])
        print(f"{runs:3} runs, {who:11} {value:6.1f} s ({spread}); fitted {fitted:6.1f} s; busy {busy:6.1f} s")
    print(f"one process: {plain_a:.1f} + {plain_b:.2f} · runs;  Ray: {ray_a:.1f} + {ray_b:.2f} · runs / n")
    print(f"Ray costs {ray_a - plain_a:.1f} s a command and {ray_b - plain_b:+.2f} s a run")
    for workers in sorted({workers for _, workers in seconds if workers > 1}):
        gain = plain_b - ray_b / workers
        words = f"from {(ray_a - plain_a) / gain:.0f} runs on" if gain > 0 else "never"
        print(f"n = {workers}: faster than one process {words}")


def print_epochs(seconds_of: Mapping[tuple[tuple[int, int], int], Sequence[float]]) -> None:
    """Medians, and a and b of each size."""
    for size in dict.fromkeys(size for size, _ in seconds_of):
        medians = {workers: median(turns) for (each, workers), turns in seconds_of.items() if each == size}
        a, b = fit({1 / workers: value for workers, value in medians.items()})
        shown = ", ".join(f"n = {workers}: {value:.2f} s" for workers, value in medians.items())
        pays = f"so at most {(a + b) / max(a, 1e-9):.1f} ×" if b > 0 else "so more processes do not pay"
        print(f"epoch at {size[0]} × {size[1]}: {shown}; {a:.2f} + {b:.2f} / n, {pays}")


def main() -> None:
    """Draw, measure by turns, fit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=120, help="how many are drawn (%(default)s)")
    parser.add_argument("--series", type=int, nargs="+", default=[2, 8], help="runs in a series (2 and 8)")
    parser.add_argument("--workers", type=int, default=2, help="the most, at most the cores (%(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="(%(default)s)")
    given = parser.parse_args()
    took: dict[tuple[int, int], list[Took]] = defaultdict(list)
    epochs: dict[tuple[tuple[int, int], int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="scaling-cost-") as name:
        folder = Path(name)
        write_demo_set(folder / "data", given.people, 0, 0, lambda _: None, workers=1)
        time_series(folder, 1, PLAIN, -1)  # makes the features
        time_epoch(folder, SIZES[0], 1, -1)
        time_epoch(folder, SIZES[1], 1, -1)
        for turn in range(given.turns):
            for runs in given.series:
                for workers in (PLAIN, *range(1, given.workers + 1)):
                    took[runs, workers].append(time_series(folder, runs, workers, turn))
            for size in SIZES:
                for workers in range(1, given.workers + 1):
                    epochs[size, workers].append(time_epoch(folder, size, workers, turn))
    print_series(took)
    print_epochs(epochs)


if __name__ == "__main__":
    main()
