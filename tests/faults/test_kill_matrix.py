"""Every verb that writes, killed at every place where it touches the disk, then run again.

Always: the second run ends well, its results are those of a run that nobody killed (CPU, fp32: the same bytes), the
board can be read in between, and nothing of the killed process is left. ``MASKWISE_KILL_STEP=1`` tries every point; the
default tries each n-th, another beginning per verb, so that the whole takes minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Workplace
from support.face_sets import write_utkface

PROGRAM = Path(__file__).parents[1] / "support" / "kill_points.py"
TORCH = ("torch", "maskwise.workflows.run_recipe", "maskwise.cli.main")
# What differs between two runs of the same command: when, how long, and in which processes.
CLOCK = ("seconds", "created_utc", "finished_utc", "_utc", "photos_per_second")


def step(default: int) -> int:
    return int(os.environ.get("MASKWISE_KILL_STEP", default))


def kill_everywhere(folder: Path, **plan: Any) -> dict[str, Any]:
    """The report of ``kill_points.py``; the scratch folder is ``folder/root``."""
    file = folder / "plan" / "plan.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"root": str(folder / "root"), "template": str(folder / "template"), **plan}))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(folder / "home"), "XDG_CACHE_HOME": ""}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(file)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def check(report: dict[str, Any]) -> None:
    """The promises above, all faults named together."""
    print(f"{len(report['trials'])} of {len(report['points'])} points")  # shown by -rP
    assert report["trials"], "no point was tried"
    assert report["expected"], "no result was found"
    faults = []
    for trial in report["trials"]:
        at = f"{trial['number']} {trial['point']}"
        if trial["killed"] != -9:
            faults.append(f"{at}: was not killed, ended with {trial['killed']}")
        if trial["look"]:
            faults.append(f"{at}: the board ends with {trial['look']}: {trial['looked']}")
        whole = trial["files"] == report["expected"]
        if trial["again"] and not (trial["again"] == 2 and whole):  # killed at its very end: refuses to do it twice
            faults.append(f"{at}: the same command ends with {trial['again']}: {trial['printed']}")
        elif not whole:
            names = {*trial["files"], *report["expected"]}
            other = sorted(n for n in names if trial["files"].get(n) != report["expected"].get(n))
            faults.append(f"{at}: other results in {other}")
        if trial["leftovers"] and not trial["again"]:
            faults.append(f"{at}: left {trial['leftovers']}")
    assert not faults, f"{len(faults)} of {len(report['trials'])} kills:\n" + "\n".join(faults[:20])


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """A folder with data and recipe to work in; ``template`` is what each trial begins with."""
    template = tmp_path / "template"
    template.mkdir()
    shutil.copytree(workplace.data, template / "data")
    shutil.copy(workplace.recipe, template / "tiny.yaml")
    root = tmp_path / "root"
    return Workplace(root / "data", root / "tiny.yaml", root / "runs", root / "cache")


@pytest.fixture
def with_run(place: Workplace, tmp_path: Path, trained: Path, workplace: Workplace) -> tuple[Workplace, str]:
    """The same with a finished run and its pixel cache in it."""
    shutil.copytree(trained.parent, tmp_path / "template" / "runs")
    shutil.copytree(workplace.cache, tmp_path / "template" / "cache")
    return place, trained.name


@pytest.mark.faults
def test_training_and_its_cache(place: Workplace, tmp_path: Path) -> None:
    words = place.train("--quiet", "--folds", "2", "--set", "train.epochs=2")
    report = kill_everywhere(
        tmp_path,
        command=words,
        again=words,
        look=["board", "--store", str(place.store)],
        results=["runs/*/fold-*/weights.safetensors", "runs/*/predictions.*", "runs/*/scores.json", "runs/*/split.csv"],
        warm=TORCH,
        step=step(45),
        first=0 if step(45) == 1 else 3,
    )
    check(report)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("verb", "words", "results", "every"),
    [
        ("export", ["{run}", "bundle", "--data", "{data}", "--parity-photos", "4"], ["bundle/*"], 8),
        ("report", ["{run}", "--data", "{data}", "--out", "report.html"], ["report.html"], 4),
        ("ensemble", ["{run}", "{run2}", "--name", "both"], ["runs/*/predictions.*", "runs/*/scores.json"], 6),
        ("audit", ["{run}", "{run2}", "--data", "{data}", "--out", "audit"], ["audit/*"], 5),
        ("submit", ["{run}", "--data", "{data}", "--out", "submission.csv"], ["submission.csv"], 4),
        ("predict", ["{run}", "{data}/eval/images", "--out", "predictions.csv"], ["predictions.csv"], 2),
    ],
)
def test_verbs_on_a_run(
    with_run: tuple[Workplace, str],
    tmp_path: Path,
    cli: Callable[..., str],
    verb: str,
    words: list[str],
    results: list[str],
    every: int,
) -> None:
    place, run = with_run
    other = ""
    if any("{run2}" in word for word in words):
        template = Workplace(
            tmp_path / "template" / "data",
            place.recipe,
            tmp_path / "template" / "runs",
            tmp_path / "template" / "cache",
        )
        cli(
            *Workplace(template.data, tmp_path / "template" / "tiny.yaml", template.store, template.cache).train(
                "--quiet", "--set", "seed=1"
            )
        )
        (other,) = [entry.name for entry in template.store.iterdir() if entry.is_dir() and entry.name != run]
    filled = [word.replace("{run}", run).replace("{run2}", other).replace("{data}", str(place.data)) for word in words]
    filled = [
        str(place.data.parent / word) if word in {"bundle", "report.html", "audit"} or word.endswith(".csv") else word
        for word in filled
    ]
    command = [*(("data", verb) if verb == "audit" else (verb,)), *filled, "--store", str(place.store)]
    report = kill_everywhere(
        tmp_path,
        command=command,
        again=command,
        look=["board", "--store", str(place.store)],
        results=results,
        volatile=CLOCK,
        warm=TORCH,
        step=step(every),
    )
    check(report)


@pytest.mark.faults
def test_import(tmp_path: Path) -> None:
    template, root = tmp_path / "template", tmp_path / "root"
    write_utkface(template / "utk")
    words = ["data", "import", "utkface", str(root / "utk"), str(root / "out"), "--no-masks", "--quiet"]
    report = kill_everywhere(
        tmp_path, command=words, again=words, results=["out/**/*"], volatile=CLOCK, warm=TORCH, step=step(8)
    )
    check(report)


SPACE = """
name: rates
base: {recipe}
changes: {{train.epochs: 1}}
search:
  train.optimizer.rate: [0.001, 0.01]
sampler: {{kind: grid}}
runs: 2
"""


@pytest.mark.faults
def test_sweep(with_run: tuple[Workplace, str], tmp_path: Path) -> None:
    """What is lost is trained again, and every trial is a whole run of the store."""
    place, _ = with_run
    space = tmp_path / "template" / "rates.yaml"
    space.write_text(SPACE.format(recipe=place.recipe))
    words = ["sweep", str(place.data.parent / "rates.yaml"), "--data", str(place.data), "--quiet"]
    words += ["--store", str(place.store), "--cache", str(place.cache)]
    report = kill_everywhere(
        tmp_path,
        command=words,
        again=words,
        look=["board", "--store", str(place.store)],
        results=["runs/*/fold-*/weights.safetensors", "runs/*/predictions.*", "runs/*/scores.json"],
        warm=TORCH,
        step=step(150),
        first=0 if step(150) == 1 else 5,
    )
    check(report)
