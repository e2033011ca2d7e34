"""How long ``maskwise board`` takes over thousands of runs: ``python benchmarks/board_speed.py``.

Writes run.json files of the shape that trainings leave, then prints the median time of fresh processes, the time on the
clock and that of the processor. The machine should be idle.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from maskwise.chance import rng_for
from maskwise.recipe.load import load_recipe
from maskwise.records import Score
from maskwise.store.layout import record_path
from maskwise.store.run_record import RunData, RunRecord, ScoreSummary

PROCESSES = 7


def write_runs(store: Path, n_runs: int) -> None:
    """Finished runs of ``quick`` with five seeds and scores by chance."""
    recipe = load_recipe("quick").model_dump(mode="json")
    macro_f1_R = rng_for(0, "board speed").uniform(0.4, 0.55, n_runs)
    for number, macro_f1 in enumerate(macro_f1_R.tolist()):
        record = RunRecord(
            run_id=f"{number:016x}",
            name=f"run-{number}",
            created_utc=f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}T12:00:00+00:00",
            recipe={**recipe, "seed": number % 5},
            seed=number % 5,
            data=RunData("faces", "c0ffee" * 4, 8827, 1261),
            versions={"maskwise": "0"},
            command=("maskwise", "train", "quick"),
            folds=1,
            status="finished",
            n_held_out_people=252,
            n_held_out_photos=1764,
            seconds=400.0,
            scores=ScoreSummary(
                Score(macro_f1, macro_f1 - 0.02, macro_f1 + 0.02),
                Score(0.6, 0.58, 0.62),
                {"mask": 0.99, "gender": 0.92, "age": 0.6},
                (30, 60),
            ),
        )
        (store / record.run_id).mkdir(parents=True)
        record_path(store / record.run_id).write_text(record.to_json(), encoding="utf-8")


def seconds_of_board(store: Path) -> tuple[float, float]:
    """On the clock and of the processor, for one fresh process."""
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "maskwise", "board", "--store", str(store)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    clock, after = time.perf_counter() - started, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return clock, processor


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), options.runs)
        found = [seconds_of_board(Path(folder)) for _ in range(PROCESSES)]
    clock, processor = (statistics.median(column) for column in zip(*found, strict=True))
    print(
        f"{options.runs} runs: {clock:.2f} s on the clock, {processor:.2f} s of the processor (medians of {PROCESSES})"
    )


if __name__ == "__main__":
    main()
