from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskwise.cli.main import app
from maskwise.errors import StoreError, UserError
from maskwise.store.board import read_board
from store.conftest import FinishedRun

Cli = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, finished_run: FinishedRun) -> Path:
    """Three runs."""
    place = tmp_path / "runs"
    for seed in range(3):
        finished_run(place, f"run-{seed}", seed)
    return place


def ranked(store: Path) -> list[str]:
    return [row.record.name for row in read_board(store).rows]


def test_sizes_are_reported(store: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "pixels").mkdir()
    (tmp_path / "pixels" / "rows").write_bytes(b"0" * 1500)
    printed = cli("store", "--store", str(store), "--cache", str(tmp_path / "pixels"))
    assert "run-2" in printed
    assert "3 runs: " in printed
    assert printed.endswith("deleted at any time: 1.5 kB\n")


def test_variables_are_no_options_before_the_verb(
    store: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKWISE_STORE", str(store))
    monkeypatch.setenv("MASKWISE_CACHE", str(tmp_path))
    worst = ranked(store)[-1]
    with pytest.raises(UserError, match="`store delete` must stand after delete"):
        cli("store", "--store", str(store), "delete", worst, "--yes")
    assert cli("store", "delete", worst, "--yes").startswith("deleted 1 run, ")


def test_deleting_needs_a_yes(store: Path, cli: Cli) -> None:
    best, worst = ranked(store)[0], ranked(store)[-1]
    with pytest.raises(UserError, match=r"no terminal.*--yes"):
        cli("store", "delete", worst, "--store", str(store))
    with pytest.raises(StoreError, match="must stay, as it is the best"):
        cli("store", "delete", best, "--yes", "--store", str(store))
    assert len(ranked(store)) == 3
    assert cli("store", "delete", worst, "--yes", "--store", str(store)).startswith("deleted 1 run, ")
    assert worst not in ranked(store)


def test_in_a_terminal_the_answer_counts(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.cli.store_verbs._can_ask", lambda: True)
    words = ["store", "delete", ranked(store)[-1], "--store", str(store)]
    assert CliRunner().invoke(app, words, input="n\n").exit_code == 1
    assert len(ranked(store)) == 3
    assert CliRunner().invoke(app, words, input="y\n").exit_code == 0
    assert len(ranked(store)) == 2


def test_pruning_keeps_the_best(store: Path, cli: Cli) -> None:
    best = ranked(store)[0]
    cli("store", "prune", "--keep-best", "1", "--yes", "--store", str(store))
    assert ranked(store) == [best]
    assert cli("store", "prune", "--keep-best", "1", "--store", str(store)) == "nothing to delete\n"


def test_a_store_named_too_early_is_not_passed_over(store: Path, cli: Cli) -> None:
    with pytest.raises(UserError, match="must stand after prune"):
        cli("store", "--store", str(store), "prune", "--keep-best", "1", "--yes")
    assert len(ranked(store)) == 3
