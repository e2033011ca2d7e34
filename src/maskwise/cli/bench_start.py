"""``maskwise bench start``: how long verbs take that have little to do, each in fresh processes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from maskwise.cli.bench_predict import RoundsOption
from maskwise.cli.options import JsonOption
from maskwise.errors import UserError, must


class Seconds(NamedTuple):
    """Of one process."""

    clock: float
    processor: float
    """Of all its threads; hardly changed by other work on the machine."""


def start(
    bundle: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Also predict one photo with this bundle.")
    ] = None,
    photo: Annotated[Path | None, typer.Option(metavar="FILE", help="The photo to predict.")] = None,
    runs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of runs in the store that `board` reads.")
    ] = 1000,
    rounds: RoundsOption = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure how long `--help`, a verb's help, the board and one cold prediction take."""
    if (bundle is None) != (photo is None):
        got = "--bundle alone" if photo is None else "--photo alone"
        raise UserError(must("--bundle and --photo", "given together", got, "Add the other one."))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        write_runs(store, runs)
        board = ["board", "--store", str(store)]
        verbs = {"--help": ["--help"], "train --help": ["train", "--help"], f"board over {runs:,} runs": board}
        if bundle is not None and photo is not None:
            out = str(Path(folder) / "predictions.csv")
            verbs["predict one photo"] = ["predict", str(bundle), str(photo), "--out", out, "--quiet", "--force"]
        found = {name: _median([_seconds(words) for _ in range(rounds)]) for name, words in verbs.items()}
    if as_json:
        typer.echo(json.dumps({name: each._asdict() for name, each in found.items()}, indent=1))
        return
    from maskwise.text_table import aligned

    rows = [("", "clock, s", "processor, s")]
    rows += [(name, f"{each.clock:.2f}", f"{each.processor:.2f}") for name, each in found.items()]
    for line in aligned(rows):
        typer.echo(line)
    typer.echo(f"\nmedians of {rounds} fresh processes")


def write_runs(store: Path, n_runs: int) -> None:
    """run.json files of the shape that trainings leave: finished runs of ``quick`` with random scores."""
    from maskwise.recipe.load import load_recipe
    from maskwise.score import Score
    from maskwise.seeds import rng_for
    from maskwise.store.layout import RECORD
    from maskwise.store.run_record import RunData, RunRecord, ScoreSummary

    recipe = load_recipe("quick").model_dump(mode="json")
    rng = rng_for(0, "runs for the board")
    for number, (macro_f1, rate) in enumerate(zip(rng.uniform(0.4, 0.55, n_runs), rng.random(n_runs), strict=True)):
        train = {**recipe["train"], "optimizer": {**recipe["train"]["optimizer"], "rate": rate}}
        record = RunRecord(
            run_id=f"{number:016x}",
            name=f"run-{number}",
            created_utc=f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}T12:00:00+00:00",
            recipe={**recipe, "seed": number % 5, "train": train},
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
        (store / record.run_id / RECORD).write_text(record.to_json(), encoding="utf-8")


def _seconds(words: list[str]) -> Seconds:
    before, started = os.times(), time.perf_counter()
    found = subprocess.run([sys.executable, "-m", "maskwise", *words], capture_output=True, text=True, check=False)
    clock, after = time.perf_counter() - started, os.times()
    if found.returncode:
        raise UserError(found.stderr.splitlines() or [must(words[0], "done", "nothing", "Try it by itself.")])
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(clock, processor)


def _median(found: list[Seconds]) -> Seconds:
    return Seconds(*(statistics.median(column) for column in zip(*found, strict=True)))
