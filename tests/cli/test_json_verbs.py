"""``--json`` of the verbs that print results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from conftest import Workplace
from maskwise.cli.plain_json import plain_json
from maskwise.cli.verb_table import VERBS, load_verb
from maskwise.recipe.load import ladder_names, shipped_names
from maskwise.store.kept_files import read_evaluation
from maskwise.store.runs import read_record
from maskwise.sweeps.load_space import shipped_spaces
from support.sweeps import queue_at, sweep_of

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


NO_RESULTS = {
    "demo",
    "data demo",
    "data masks",
    "serve",
    "studio",
    "store delete",
    "store prune",
    "submissions score",
    "weights add",
}
"""Verbs that write files, or act, and find nothing out."""


def test_every_verb_that_prints_results_prints_them_as_json() -> None:
    without = {
        name for name, command in commands() if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without == NO_RESULTS


def commands() -> Iterator[tuple[str, Any]]:
    """Every verb, and every verb of a group; a group that does something by itself, too."""
    for name in VERBS:
        verb = load_verb(name)
        below = getattr(verb, "commands", {})
        if not below or getattr(verb, "invoke_without_command", False):
            yield name, verb
        yield from ((f"{name} {each}", command) for each, command in below.items())


def test_pages_and_bundles(workplace: Workplace, trained: Path, cli: Cli, tmp_path: Path) -> None:
    store, data = ("--store", str(trained.parent)), str(workplace.data)
    cache = ("--cache", str(tmp_path / "cache"))
    eda = json.loads(cli("eda", data, "--out", str(tmp_path / "eda.html"), "--no-faces", *cache, "--json"))
    assert eda["numbers"]["people"] == 24
    assert eda["numbers"]["classes"][0]["name"] == "worn · male · under 30"
    page = tmp_path / "report.html"
    report = json.loads(cli("report", trained.name, "--out", str(page), "--no-photos", *store, *cache, "--json"))
    assert report["page"] == str(page)
    assert report["evaluation"] == json.loads(read_evaluation(trained).to_json())
    bundle = json.loads(cli("export", trained.name, str(tmp_path / "bundle"), *store, "--json"))
    assert bundle["place"] == str(tmp_path / "bundle")
    assert bundle["parity"][0]["precision"] == "fp32"
    audited = json.loads(cli("data", "audit", trained.name, "--out", str(tmp_path / "audit"), *store, "--json"))
    assert audited["suspects"][0]["rank"] == 1


def test_submissions_tags_and_imports(workplace: Workplace, trained: Path, cli: Cli, tmp_path: Path) -> None:
    copied = tmp_path / "runs" / trained.name
    shutil.copytree(trained, copied)
    store = ("--store", str(copied.parent))
    file = tmp_path / "submission.csv"
    assert json.loads(cli("submit", trained.name, "--out", str(file), *store, "--json")) == {
        "file": str(file),
        "photos": 42,
        "number": 1,
    }
    tagged = json.loads(cli("tag", trained.name, "--add", "first", *store, "--json"))
    assert (tagged["run"], tagged["marks"]["tags"]) == (trained.name, ["first"])
    made = json.loads(cli("data", "import", "competition", str(workplace.data), str(tmp_path / "again"), "--json"))
    assert (made["people"], made["finished"]) == (24, True)


def test_sweeps(cli: Cli, tmp_path: Path) -> None:
    queue = queue_at(tmp_path, sweep_of("{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04}}"))
    listed = json.loads(cli("sweep", "--list", "--store", str(tmp_path), "--json"))
    assert (listed["begun"], list(listed["spaces"])) == ([queue.name], shipped_spaces())
    shown = json.loads(cli("sweep", "show", "made", "--store", str(tmp_path), "--json"))
    assert (shown["results"]["study_name"], shown["results"]["rows"]) == (queue.name, [])
    assert shown["results"]["sweep"]["base"]["name"] == "baseline"


def test_batch_sizes(workplace: Workplace, cli: Cli) -> None:
    assert json.loads(cli("batch-size", str(workplace.recipe), "--limit", "4", "--json")) == {"photos": 4, "limit": 4}
