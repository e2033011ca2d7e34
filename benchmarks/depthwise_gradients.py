"""What our gradients of depthwise convolutions gain over a whole training in bf16, in pairs, in processor time.

    python benchmarks/depthwise_gradients.py --data DIR --recipe quick --pairs 3

Each training is a process of its own with one thread, from the recipe to the scores, without Python's start and
imports. Caches of photos and maps are filled by a training that is not counted. By turns the one or the other is first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PAIRS = 3
TRAIN = """
import sys, time
import timm, torchvision
import maskwise.training.step, maskwise.workflows.run_recipe
from maskwise.cli.main import app
if sys.argv.pop(1) == "torch":
    maskwise.training.step.quicken_depthwise = lambda model: None
began = time.process_time()
try:
    app()
finally:
    print("seconds", time.process_time() - began)
"""


def seconds(whose: str, options: argparse.Namespace, cache: str) -> float:
    """Of the processor, for one training with our gradients (``ours``) or with torch's (``torch``)."""
    with tempfile.TemporaryDirectory() as store:
        verb = ["train", options.recipe, "--data", options.data, "--store", store, "--cache", cache, "--quiet"]
        changes = [f"--set={change}" for change in ("train.precision=bf16", *options.set)]
        words = [sys.executable, "-c", TRAIN, whose, *verb, *changes]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        ended = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return float(ended.stdout.split()[-1])


def main() -> None:
    """A line a pair, then the median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=str, required=True)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--set", action="append", default=[], help="a change of the recipe")
    parser.add_argument("--cache", type=Path, help="kept; else a folder that is deleted at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache = str(options.cache or temporary)
        seconds("ours", options, cache)
        ratios = []
        for pair in range(options.pairs):
            order = ("ours", "torch") if pair % 2 == 0 else ("torch", "ours")
            took = {whose: seconds(whose, options, cache) for whose in order}
            ratios.append(took["torch"] / took["ours"])
            print(f"torch's {took['torch']:.1f} s, ours {took['ours']:.1f} s: {ratios[-1]:.2f}", flush=True)
    print(f"{options.recipe}: {statistics.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
