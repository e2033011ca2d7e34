"""Every verb that writes, killed at every place where it touches the disk, then run again.

Always: the second run ends well, its results are those of a run that nobody killed (CPU, fp32: the same bytes), the
board can be read in between, and nothing of the killed process is left. ``MASKWISE_KILL_STEP=1`` tries every point,
the default each n-th. ``MASKWISE_KILL_FIRST=k`` begins at the k-th: with a step of n, k from 0 to n - 1 are n parts of
the whole.
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

from conftest import TINY_RECIPE, Workplace
from maskwise.drawing.demo_set import write_demo_set
from maskwise.store.runs import list_runs
from support.face_sets import write_utkface

PROGRAM = Path(__file__).parents[1] / "support" / "kill_points.py"
# What differs between two runs of the same command: when, how long, and in which processes.
CLOCK = ("seconds", "created_utc", "finished_utc", "_utc", "photos_per_second")


def kill_everywhere(folder: Path, every: int, **plan: Any) -> dict[str, Any]:
    """The report of ``kill_points.py`` on each ``every``-th point; the scratch folder is ``folder/root``."""
    file = folder / "plan" / "plan.json"
    file.parent.mkdir(exist_ok=True)
    plan["step"] = int(os.environ.get("MASKWISE_KILL_STEP", every))
    plan["first"] = int(os.environ.get("MASKWISE_KILL_FIRST", plan["step"] // 2))
    file.write_text(json.dumps({"root": str(folder / "root"), "template": str(folder / "template"), **plan}))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(folder / "home"), "XDG_CACHE_HOME": ""}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(file)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def check_promises(report: dict[str, Any]) -> None:
    """The promises above, all faults named together."""
    print(f"{len(report['trials'])} of {len(report['points'])} points")  # shown by -rP
    assert report["trials"], "no point was tried"
    assert report["expected"], "no result was found"
    faults = []
    for trial in report["trials"]:
        at = f"{trial['number']} {trial['point']}"
        # Some places depend on the clock: a run with fewer of them comes to its end before the last ones.
        at_its_end = trial["killed"] == 0 and trial["number"] > len(report["points"]) - 3
        if trial["killed"] != -9 and not at_its_end:
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


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """12 drawn people to train on with 3 photos each, 2 to predict: few, as a place of a verb costs a run of it."""
    root = tmp_path_factory.mktemp("few")
    write_demo_set(root / "data", 12, 2, 0, lambda _: None, workers=1)
    for number in (2, 3, 4, 5):
        for photo in root.glob(f"data/train/images/*/mask{number}.*"):
            photo.unlink()
    (root / "tiny.yaml").write_text(TINY_RECIPE)
    return Workplace(root / "data", root / "tiny.yaml", root / "runs", root / "cache")


@pytest.fixture
def template(drawn: Workplace, tmp_path: Path) -> Workplace:
    """What each trial begins with: data and recipe."""
    root = tmp_path / "template"
    root.mkdir()
    shutil.copytree(drawn.data, root / "data")
    shutil.copy(drawn.recipe, root / "tiny.yaml")
    return Workplace(root / "data", root / "tiny.yaml", root / "runs", root / "cache")


@pytest.fixture
def place(template: Workplace, tmp_path: Path) -> Workplace:
    """The same where the trials are made."""
    root = tmp_path / "root"
    return Workplace(root / "data", root / "tiny.yaml", root / "runs", root / "cache")


@pytest.fixture
def runs(template: Workplace, cli: Callable[..., str]) -> tuple[str, str]:
    """Two finished runs and their pixel cache in ``template``; their ids."""
    for seed in (0, 1):
        cli(*template.train("--quiet", "--set", f"seed={seed}"))
    first, second = sorted(list_runs(template.store).runs, key=lambda run: run.record.seed)
    return first.record.run_id, second.record.run_id


@pytest.mark.faults
def test_training_and_its_cache(place: Workplace, tmp_path: Path) -> None:
    words = place.train("--quiet", "--folds", "2", "--set", "train.epochs=2")
    report = kill_everywhere(
        tmp_path,
        every=8,
        command=words,
        again=words,
        look=["board", "--store", str(place.store)],
        results=["runs/*/fold-*/weights.safetensors", "runs/*/predictions.*", "runs/*/scores.json", "runs/*/split.csv"],
    )
    check_promises(report)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("words", "results", "every"),
    [
        (["export", "{run}", "{root}/bundle", "--data", "{data}", "--parity-photos", "4"], ["bundle/*"], 4),
        (["report", "{run}", "--data", "{data}", "--out", "{root}/report.html"], ["report.html"], 2),
        (["ensemble", "{run}", "{run2}", "--name", "both"], ["runs/*/predictions.*", "runs/*/scores.json"], 4),
        (["data", "audit", "{run}", "{run2}", "--data", "{data}", "--out", "{root}/audit"], ["audit/*"], 4),
        (["submit", "{run}", "--data", "{data}", "--out", "{root}/submission.csv"], ["submission.csv"], 2),
        (["predict", "{run}", "{data}/eval/images", "--out", "{root}/predictions.csv"], ["predictions.csv"], 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) and "{run}" in value else "",
)
def test_verbs_on_a_run(
    place: Workplace, runs: tuple[str, str], tmp_path: Path, words: list[str], results: list[str], every: int
) -> None:
    known = {"run": runs[0], "run2": runs[1], "data": place.data, "root": tmp_path / "root"}
    command = [*(word.format(**known) for word in words), "--store", str(place.store)]
    report = kill_everywhere(
        tmp_path,
        every,
        command=command,
        again=command,
        look=["board", "--store", str(place.store)],
        results=results,
        volatile=CLOCK,
    )
    check_promises(report)


@pytest.mark.faults
def test_import(tmp_path: Path) -> None:
    template, root = tmp_path / "template", tmp_path / "root"
    write_utkface(template / "utk")
    words = ["data", "import", "utkface", str(root / "utk"), str(root / "out"), "--no-masks", "--quiet"]
    report = kill_everywhere(tmp_path, every=4, command=words, again=words, results=["out/**/*"], volatile=CLOCK)
    check_promises(report)


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
@pytest.mark.usefixtures("runs")
def test_sweep(place: Workplace, tmp_path: Path) -> None:
    """What is lost is trained again, and every trial is a whole run of the store."""
    space = tmp_path / "template" / "rates.yaml"
    space.write_text(SPACE.format(recipe=place.recipe))
    words = ["sweep", str(place.data.parent / "rates.yaml"), "--data", str(place.data), "--quiet"]
    words += ["--store", str(place.store), "--cache", str(place.cache)]
    report = kill_everywhere(
        tmp_path,
        every=8,
        command=words,
        again=words,
        look=["board", "--store", str(place.store)],
        results=["runs/*/fold-*/weights.safetensors", "runs/*/predictions.*", "runs/*/scores.json"],
    )
    check_promises(report)
