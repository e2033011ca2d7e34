from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import StoreError, UserError
from maskwise.labels import Task
from maskwise.store.layout import PREDICTIONS
from maskwise.store.predictions_file import read_predictions
from store.conftest import FinishedRun, random_predictions
from support.finished_runs import rewrite_predictions

Cli = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, finished_run: FinishedRun) -> Path:
    """Four runs, a to d, of the same photos and classes."""
    place = tmp_path / "runs"
    class_N = random_predictions().class_N
    for seed, name in enumerate("abcd"):
        folder = finished_run(place, name, seed)
        rewrite_predictions(folder, random_predictions(seed=seed, class_N=class_N), Task())
    return place


def test_two_runs_in_full_with_what_seeds_could_tell(store: Path, cli: Cli) -> None:
    printed = cli("compare", "a", "b", "--store", str(store))
    assert printed.startswith("b against a: 40 photos of 20 people")
    assert "\nmore seeds: " in printed
    assert "\nclass" not in printed
    assert cli("compare", "a", "b", "--classes", "--store", str(store)).endswith(f"\n\n{printed}")


def test_several_runs_against_the_first_and_ranked(store: Path, cli: Cli) -> None:
    printed = cli("compare", "a", "b", "c", "--rank", "--store", str(store))
    assert printed.startswith("2 arms against a: ")
    assert "c: more seeds: " in printed
    assert "ranking on 40 photos of 20 people" in printed
    assert "ranking" not in cli("compare", "a", "b", "c", "--store", str(store))


def test_everything_as_json(store: Path, cli: Cli) -> None:
    found = json.loads(cli("compare", "a,b", "c,d", "--rank", "--json", "--store", str(store)))
    assert found["names"] == ["a +1", "c +1"]
    assert found["comparisons"][0]["n_pairs"] == 2
    gain = found["comparisons"][0]["joint"]["macro_f1"]["gain"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert found["seeds"][0]["gain"] == pytest.approx(gain["value"])
    assert found["ranking"]["pairs"][0]["gain"]["value"] == pytest.approx(abs(gain["value"]))


def test_changed_photos_are_written(store: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "changed.csv"
    words = ("compare", "a", "b", "c", "--changed", str(out), "--store", str(store))
    cli(*words)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["run"] for row in rows} == {"b", "c"}
    folders = {json.loads((f / "run.json").read_text())["name"]: f for f in store.iterdir()}
    a, b = (read_predictions(folders[name] / PREDICTIONS)[0].probs_NC.argmax(axis=1) for name in "ab")
    assert sum(row["run"] == "b" for row in rows) == int(np.sum(a != b))
    with pytest.raises(StoreError, match="--force"):
        cli(*words)
    with pytest.raises(UserError, match="one run a side"):
        cli("compare", "a,b", "c,d", "--changed", str(tmp_path / "other.csv"), "--store", str(store))


def test_sides_must_be_alike(store: Path, cli: Cli) -> None:
    with pytest.raises(UserError, match="equally many runs, got 1 and 1 and 2"):
        cli("compare", "a", "b", "c,d", "--store", str(store))
    with pytest.raises(UserError, match="different ones"):
        cli("compare", "a,a", "b,c", "--store", str(store))


def test_a_page_is_written(store: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "page.html"
    words = ("compare", "a", "b", "--out", str(out), "--store", str(store))
    assert cli(*words).endswith(f"page: {out}\n")
    assert "<h1>b against a</h1>" in out.read_text()
    with pytest.raises(StoreError, match="--force"):
        cli(*words)
    assert json.loads(cli(*words, "--force", "--json"))["names"] == ["a", "b"]
    with pytest.raises(UserError, match="no-photos must be given together with --out"):
        cli("compare", "a", "b", "--no-photos", "--store", str(store))
    with pytest.raises(UserError, match="mkdir"):
        cli("compare", "a", "b", "--out", str(tmp_path / "none" / "page.html"), "--store", str(store))
