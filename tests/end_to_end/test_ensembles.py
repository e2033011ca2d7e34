"""Two runs of other seeds become an ensemble that predicts, submits and is scored, by the words of the command line."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import Workplace
from maskwise.errors import StoreError, UserError
from maskwise.store.layout import PREDICTIONS
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_record

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def two_runs(workplace: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A store with the runs ``one`` and ``two``, alike but for their seeds."""
    place = workplace.with_store(tmp_path_factory.mktemp("ensembles"))
    for seed, name in enumerate(("one", "two")):
        cli(*place.train("--quiet", "--set", f"seed={seed}", "--set", f"name={name}"))
    return place


def test_an_ensemble_predicts_submits_and_stands_on_the_board(two_runs: Workplace, cli: Cli, tmp_path: Path) -> None:
    place = ("--store", str(two_runs.store))
    printed = cli("ensemble", "one", "two", "--vote", "weighted", "--name", "both", *place)
    assert "joint class" in printed
    assert "weights: " in printed
    assert "both" in cli("board", *place)

    tables = {name: tmp_path / f"{name}.parquet" for name in ("one", "two", "both")}
    for name, out in tables.items():
        cli("predict", name, str(two_runs.data), "--out", str(out), "--quiet", *place)
    one, two, both = (read_predictions(out)[0] for out in tables.values())
    weights = [float(part.split()[0]) for part in printed.split("weights: ")[1].splitlines()[0].split(", ")]
    np.testing.assert_allclose(both.probs_NC, weights[0] * one.probs_NC + weights[1] * two.probs_NC, atol=1e-3)
    assert both.photo_N.tolist() == one.photo_N.tolist()

    submission = tmp_path / "submission.csv"
    cli("submit", "both", "--data", str(two_runs.data), "--out", str(submission), "--quiet", *place)
    with (two_runs.data / "eval" / "info.csv").open() as file:
        order = [row["ImageID"] for row in csv.DictReader(file)]
    rows = pd.read_csv(submission)
    assert rows["ImageID"].tolist() == order
    assert rows["ans"].tolist() == both.probs_NC.argmax(axis=1).tolist()

    table = tmp_path / "both.csv"
    cli("predict", "both", str(two_runs.data), "--out", str(table), "--quiet", *place)
    assert "6 people" in cli("evaluate", str(table), "--answers", str(two_runs.data / "eval_answers.csv"))


@pytest.mark.parametrize("vote", ["soft", "hard", "geometric", "rank"])
def test_every_vote_keeps_held_out_predictions(two_runs: Workplace, cli: Cli, vote: str) -> None:
    printed = cli("ensemble", "one", "two", "--vote", vote, "--store", str(two_runs.store))
    assert "weights: 0.500 " in printed
    folder = Path(next(line for line in printed.splitlines() if line.startswith("run ")).split(" in ")[-1])
    record = read_record(folder)
    assert record.name == f"{vote}-of-2"
    kept, _ = read_predictions(folder / PREDICTIONS)
    assert record.n_held_out_photos == len(kept) > 0
    with pytest.raises(StoreError, match="--force"):
        cli("ensemble", "two", "one", "--vote", vote, "--store", str(two_runs.store))
    cli("ensemble", "two", "one", "--vote", vote, "--store", str(two_runs.store), "--force")


def test_two_runs_are_compared(two_runs: Workplace, cli: Cli) -> None:
    printed = cli("compare", "one", "two", "--store", str(two_runs.store))
    one, two = (two_runs_record(two_runs, name) for name in ("one", "two"))
    assert printed.startswith("two against one: ")
    assert f"{two - one:+.3f} [" in next(line for line in printed.splitlines() if line.startswith("joint class"))
    assert "McNemar" in printed


def test_arms_of_several_runs_are_compared_in_pairs(two_runs: Workplace, cli: Cli) -> None:
    """The second arm is the first one turned round: what one pair gains the other loses."""
    place = ("--store", str(two_runs.store))
    printed = cli("compare", "one,two", "two,one", *place)
    one, two = (two_runs_record(two_runs, name) for name in ("one", "two"))
    assert printed.startswith("two +1 against one +1, 2 runs each: ")
    assert "+0.000 [" in next(line for line in printed.splitlines() if line.startswith("joint class"))
    assert f"run by run: {two - one:+.3f}, {one - two:+.3f}" in printed
    assert "McNemar" not in printed
    with pytest.raises(UserError, match="equally many runs, got 2 and 1"):
        cli("compare", "one,two", "one", *place)
    with pytest.raises(UserError, match="runs of a side must be different ones, got 'one,one'"):
        cli("compare", "one,one", "one,two", *place)
    with pytest.raises(StoreError):
        cli("compare", "one,", "one,two", *place)


def two_runs_record(place: Workplace, name: str) -> float:
    records = [read_record(folder) for folder in place.store.iterdir() if folder.is_dir()]
    (scores,) = [record.scores for record in records if record.name == name]
    assert scores is not None
    return scores.macro_f1.value


def test_joining_and_comparing_need_no_torch(two_runs: Workplace) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        "for words in (['ensemble', 'one', 'two', '--vote', 'weighted', '--force'], ['compare', 'one', 'two']):\n"
        f"    ended = CliRunner().invoke(app, [*words, '--store', {str(two_runs.store)!r}])\n"
        "    assert ended.exit_code == 0, ended.output\n"
        "print('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "False\n", ended.stderr
