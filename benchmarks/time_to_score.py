"""How soon a recipe reaches the score of a plain fine-tuning: ``python benchmarks/time_to_score.py --data DIR``.

Trains a plain four-epoch fine-tuning (one joint head, cross-entropy, flip and brightness, 128 × 112) and a recipe that
is meant to be as good in less time, by turns, with the same held-out people and seeds, and prints the training times,
their ratio and the paired difference in macro F1 with its interval by person. The machine should be idle.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from maskwise.cli.progress import PlainLines
from maskwise.evaluation.comparison import compare_arms
from maskwise.evaluation.shared_photos import align_arms
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.seeds import rng_for
from maskwise.store.runs import StoredRun
from maskwise.workflows.join_runs import read_members
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_or_read

PLAIN = (
    "name=plain-fine-tuning",
    "split={kind: hold_out, share: 0.2}",
    "input.height_px=128",
    "input.width_px=112",
    "train.epochs=4",
)
"""What makes the recipe ``claims`` the plain fine-tuning."""


def main() -> None:
    """Train by turns, then one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fast", default="draft", help="the recipe that is timed against the plain fine-tuning")
    parser.add_argument("--set", action="append", default=[], help="a change of that recipe, as in maskwise train")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "maskwise")
    parser.add_argument("--store", type=Path, help="where the runs are kept; by default nowhere")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(words.data, words.store or Path(folder), words.cache)
        plain, fast = train_by_turns(place, words.fast, words.set, words.seeds)
        print("\n".join(table(plain, fast)))


def train_by_turns(place: Place, fast: str, changes: list[str], seeds: int) -> tuple[list[StoredRun], list[StoredRun]]:
    """The runs of both recipes, one a seed; the second goes first with every other seed."""
    found: dict[str, list[StoredRun]] = {"plain": [], "fast": []}
    for seed in range(seeds):
        turns: list[tuple[str, Recipe]] = [
            ("plain", load_recipe("claims", [*PLAIN, f"seed={seed}"])),
            ("fast", load_recipe(fast, [*changes, f"seed={seed}"])),
        ]
        for arm, recipe in turns if seed % 2 == 0 else reversed(turns):
            found[arm].append(train_or_read(recipe, place, ["benchmark"], PlainLines()))
    return found["plain"], found["fast"]


def table(plain: list[StoredRun], fast: list[StoredRun]) -> list[str]:
    """What was found, a line each."""
    predictions, task = read_members([*plain, *fast])
    compared = compare_arms(
        align_arms([predictions[: len(plain)], predictions[len(plain) :]], task), rng_for(0, "intervals")
    )
    gain = compared.joint.macro_f1
    ratios = [b.record.seconds / a.record.seconds for a, b in zip(plain, fast, strict=True)]
    return [
        f"{compared.n_photos} held-out photos of {compared.n_people} people, {len(plain)} seeds",
        f"plain fine-tuning  {_seconds(plain):6.0f} s  macro F1 {gain.a:.3f}",
        f"{fast[0].record.name:18} {_seconds(fast):6.0f} s  macro F1 {gain.b:.3f}",
        f"gain {gain.gain.value:+.3f} [{gain.gain.low:+.3f}, {gain.gain.high:+.3f}]; "
        f"time {statistics.median(ratios):.2f} of it ({min(ratios):.2f} to {max(ratios):.2f})",
    ]


def _seconds(runs: list[StoredRun]) -> float:
    """The median training time."""
    return statistics.median(run.record.seconds for run in runs)


if __name__ == "__main__":
    main()
