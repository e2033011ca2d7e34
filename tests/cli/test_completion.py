"""Words that a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import typer

from maskwise.cli.completion import complete_recipe, complete_run
from maskwise.cli.main import app
from maskwise.recipe.load import shipped_names
from maskwise.store.runs import read_record


def context(store: Path) -> typer.Context:
    found = typer.Context(typer.main.get_command(app))
    found.params["store"] = store
    return found


def test_recipes_are_completed_with_what_they_are_for() -> None:
    assert {name for name, _ in complete_recipe("")} > set(shipped_names())
    (quick, *_) = complete_recipe("quick")
    assert quick[0] == "quick"
    assert quick[1].endswith(".")


def test_runs_are_completed_by_name_and_by_id(trained: Path, tmp_path: Path) -> None:
    record = read_record(trained)
    store = context(trained.parent)
    assert [name for name, _ in complete_run(store, record.name[:2])] == [record.name]
    assert [name for name, _ in complete_run(store, record.run_id[:4])] == [record.run_id]
    assert list(complete_run(context(tmp_path / "nowhere"), "")) == []


def test_a_shell_asks_and_is_answered() -> None:
    words = {"COMP_WORDS": "maskwise train qui", "COMP_CWORD": "2", "_MASKWISE_COMPLETE": "complete_bash"}
    code = "import sys; sys.argv[0] = 'maskwise'; from maskwise.cli.main import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **words}
    )
    assert "quick" in ended.stdout.split()
