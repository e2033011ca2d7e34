"""``--json`` of the verbs that print results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from conftest import Workplace
from maskwise.cli.plain_json import plain_json
from maskwise.recipe.load import ladder_names, shipped_names
from maskwise.store.runs import read_record

Cli = Callable[..., str]


def test_arrays_and_their_numbers_are_plain() -> None:
    found = {"row": np.array([1.0, np.nan]), "count": np.int64(3), "none": float("inf"), "at": Path("a/b")}
    assert json.loads(plain_json(found)) == {"row": [1.0, None], "count": 3, "none": None, "at": "a/b"}


def test_the_board_and_the_store(trained: Path, cli: Cli, tmp_path: Path) -> None:
    (row,) = json.loads(cli("board", "--store", str(trained.parent), "--json"))
    record = read_record(trained)
    assert record.scores is not None
    assert row["record"]["run_id"] == record.run_id
    assert row["scores"]["macro_f1"]["value"] == record.scores.macro_f1.value
    sizes = json.loads(cli("store", "--store", str(trained.parent), "--cache", str(tmp_path), "--json"))
    assert len(sizes["runs"]) == 1


def test_recipes_and_problems(workplace: Workplace, cli: Cli) -> None:
    assert list(json.loads(cli("recipes", "--json"))) == [*shipped_names(), *ladder_names()]
    assert json.loads(cli("data", "check", str(workplace.data), "--names-only", "--json")) == []
