from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskwise.cli.main import app
from maskwise.errors import StoreError
from store.conftest import FinishedRun

Cli = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, finished_run: FinishedRun) -> Path:
    """Two seeds of one recipe and a longer training."""
    place = tmp_path / "runs"
    for seed in range(2):
        finished_run(place, "short", seed)
    finished_run(place, "long", 7, recipe={"seed": 7, "train": {"epochs": 8, "rates": [0.1, 0.2]}})
    return place


def test_a_board_is_chosen_sorted_and_written(store: Path, tmp_path: Path, cli: Cli) -> None:
    page, table = tmp_path / "board.html", tmp_path / "board.csv"
    files = ("--html", str(page), "--csv", str(table))
    printed = cli("board", "--store", str(store), "--where", "train.epochs=4", "--sort", "seed", "--daily", *files)
    names = [word for line in printed.splitlines() for word in line.split()[1:2]]
    assert [name for name in names if name in ("short", "long")] == ["short", "short"]
    assert "long" not in printed
    assert "best macro F1 so far" in printed
    with table.open() as file:
        assert [row["seed"] for row in csv.DictReader(file)] == ["0", "1"]
    assert page.read_text().startswith("<!doctype html>")
    with pytest.raises(StoreError, match="--force"):
        cli("board", "--store", str(store), *files)
    cli("board", "--store", str(store), *files, "--force")


def test_what_differs_and_means_over_seeds(store: Path, tmp_path: Path, cli: Cli) -> None:
    printed = cli("board", "--store", str(store), "--against", "long")
    assert printed.count("train.epochs=4") == 2
    means = tmp_path / "means.csv"
    printed = cli("board", "--store", str(store), "--over", "seed", "--csv", str(means))
    assert "runs that are equal but for seed" in printed
    with means.open() as file:
        assert sorted(row["runs"] for row in csv.DictReader(file)) == ["1", "2"]


def test_as_json_what_is_damaged_stands_on_stderr(store: Path) -> None:
    records = sorted(store.glob("*/run.json"))
    records[0].write_bytes(b"{")
    result = CliRunner().invoke(app, ["board", "--json", "--store", str(store)])
    assert len(json.loads(result.stdout)) == 2
    assert result.stderr.startswith(f"{records[0]}: ")
    assert result.stderr.count("\n") == 1


def test_words_that_fit_no_run_are_refused(store: Path, cli: Cli) -> None:
    for words, match in (
        (("--where", "train.epochz=4"), r"Did you mean 'train\.epochs'"),
        (("--over", "sed"), "Did you mean 'seed'"),
        (("--sort", "nothing"), "a column of the board"),
        (("--against", "nobody"), "Did you mean|The newest runs"),
    ):
        with pytest.raises(StoreError, match=match):
            cli("board", "--store", str(store), *words)


def test_tags_choose_runs_on_the_board(store: Path, cli: Cli) -> None:
    place = ("--store", str(store))
    printed = cli("tag", "long", "--add", "paper", "--note", "the last one", *place)
    assert printed.splitlines()[0].endswith("tags paper")
    assert printed.splitlines()[1].endswith("the last one")
    chosen = cli("board", "--tag", "paper", *place)
    assert "long" in chosen
    assert "short" not in chosen
    assert "tags none" in cli("tag", "long", "--remove", "paper", *place)
    assert cli("board", "--tag", "paper", *place).startswith("no finished run with a score yet\n")
