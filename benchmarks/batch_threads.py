"""Whether a thread that prepares batches pays: ``python benchmarks/batch_threads.py --data DIR``.

The whole training loop of ``quick`` with none and with one, by turns: photos per second, and the ratio of each pair.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from maskwise.cli.options import cache_folder
from maskwise.recipe.load import load_recipe
from maskwise.speed.timed_blocks import by_turns, median_ratio
from maskwise.speed.training import our_blocks

CHANGES = ["model.weights.kind=none", "input.width_px=128"]


def main() -> None:
    """Time both by turns, then two lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--block-seconds", type=float, default=8.0)
    words = parser.parse_args()
    blocks = {
        str(workers): our_blocks(
            load_recipe("quick", [*CHANGES, f"runtime.workers={workers}"]), words.data, cache_folder(words.cache)
        )[0]
        for workers in (0, 1)
    }
    speeds = by_turns(blocks, words.block_seconds, words.rounds)
    for workers, each in speeds.items():
        print(f"threads {workers}: {statistics.median(each):.1f} photos/s")
    ratios = [none / one for none, one in zip(speeds["0"], speeds["1"], strict=True)]
    print(f"none / one: {median_ratio(speeds['0'], speeds['1']):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
