"""Training on everybody: no one is held out, nothing is scored, and it says so wherever a score would stand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from conftest import Workplace
from maskwise.errors import RecipeError, StoreError, UserError
from maskwise.recipe.load import load_recipe
from maskwise.store.board import read_board
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import SPLIT, fold_folder
from maskwise.store.runs import read_record
from maskwise.training.fold_files import DONE
from maskwise.workflows.train_everyone import chosen_epochs, everyone_recipe

Cli = Callable[..., str]


# --- by the words of the command line ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(workplace: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A store with a scored run that chose its epoch on people set aside, and with one on everybody, like it."""
    here = workplace.with_store(tmp_path_factory.mktemp("everyone"))
    cli(*here.train("--quiet", "--set", "train.checkpoint={kind: inner_hold_out, share: 0.3}"))
    printed = cli(*here.train("--quiet", "--everyone", "--like", "tiny"))
    assert "trained on everyone: nobody was held out" in printed
    return here


def folder_of(place: Workplace, name: str) -> Path:
    (folder,) = [path for path in place.store.iterdir() if path.is_dir() and read_record(path).name == name]
    return folder


def test_everybody_trains_as_long_as_selection_chose(place: Workplace) -> None:
    folder = folder_of(place, "tiny-everyone")
    people = pd.read_csv(folder / SPLIT, dtype={"person": str})
    assert (len(people), set(people["fold"])) == (24, {-1})
    log = [json.loads(line) for line in (folder / "fold-0" / "log.jsonl").read_text().splitlines()]
    assert log[0]["photos"] == 7 * 24
    chosen = json.loads((folder_of(place, "tiny") / "fold-0" / DONE).read_text())["best_epoch"]
    assert len(log) == chosen + 1
    names = {path.name for path in folder.iterdir()}
    assert names == {"run.json", "recipe.yaml", "split.csv", "fold-0", "framing.json", ".lock"}


def test_the_board_names_it_and_never_ranks_it(place: Workplace, cli: Cli) -> None:
    printed = cli("board", "--store", str(place.store))
    (line,) = [line for line in printed.splitlines() if "tiny-everyone" in line]
    assert line.startswith("1 trained on everybody, ")
    assert ": tiny-everyone (" in line
    board = read_board(place.store)
    assert [row.record.name for row in board.rows] == ["tiny"]
    assert [record.name for record in board.unscored] == ["tiny-everyone"]
    assert board.unfinished == ()


def test_it_predicts_and_submits(place: Workplace, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "submission.csv"
    store = ("--store", str(place.store))
    assert "42 photos" in cli("submit", "tiny-everyone", "--data", str(place.data), "--out", str(out), *store)
    table = tmp_path / "eval.csv"
    cli("predict", "tiny-everyone", str(place.data), "--out", str(table), *store)
    assert "6 people" in cli("evaluate", str(table), "--answers", str(place.data / "eval_answers.csv"))


@pytest.mark.parametrize(
    "words",
    [("compare", "tiny", "tiny-everyone"), ("compare", "tiny-everyone", "tiny"), ("ensemble", "tiny", "tiny-everyone")],
)
def test_what_needs_held_out_people_refuses_it(place: Workplace, cli: Cli, words: Sequence[str]) -> None:
    with pytest.raises(StoreError) as caught:
        cli(*words, "--store", str(place.store))
    (problem,) = caught.value.problems
    assert "(tiny-everyone) must hold people out, got one " in problem


def test_its_missing_predictions_are_explained(place: Workplace, cli: Cli) -> None:
    folder = folder_of(place, "tiny-everyone")
    with pytest.raises(StoreError, match="trained on everyone"):
        cli("evaluate", str(folder / "predictions.parquet"), "--answers", "nowhere.csv")
    with pytest.raises(StoreError, match="trained on everyone"):
        read_evaluation(folder)


def test_people_set_aside_may_still_choose_the_epoch(workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    here = workplace.with_store(tmp_path)
    cli(*here.train("--everyone", "--set", "train.checkpoint={kind: inner_hold_out, share: 0.3}"))
    log = (folder_of(here, "tiny-everyone") / "fold-0" / "log.jsonl").read_text().splitlines()
    assert all(0 <= json.loads(line)["macro_f1"] <= 1 for line in log)
    assert 0 < json.loads(log[0])["photos"] < 7 * 24


def test_contradictions_are_refused_before_anything_is_read(place: Workplace, cli: Cli) -> None:
    with pytest.raises(UserError, match="--like must come with --everyone"):
        cli(*place.train("--like", "tiny"))
    with pytest.raises(RecipeError, match=r"split\.kind must .*, got 'k_fold' and 'everyone'"):
        cli(*place.train("--everyone", "--folds", "3"))
    with pytest.raises(RecipeError, match="nobody is scored"):
        cli(*place.train("--everyone", "--set", "train.checkpoint.kind=scored_people"))


# --- the recipe ----------------------------------------------------------------------------------------------------


def test_only_the_split_and_the_name_differ_unless_the_user_names_it() -> None:
    quick, everyone = load_recipe("quick-imagenet"), everyone_recipe("quick-imagenet", [], None)
    assert everyone.name == "quick-imagenet-everyone"
    assert everyone.model_copy(update={"name": "quick-imagenet", "split": quick.split}) == quick
    assert everyone_recipe("quick-imagenet", ["name=last"], None).name == "last"
    long = everyone_recipe("quick-imagenet", [f"name={'x' * 64}"], None)
    assert long.name == "x" * 64


def test_the_epochs_are_the_median_of_the_folds_rounded_up(place: Workplace, tmp_path: Path) -> None:
    record = dataclasses.replace(read_record(folder_of(place, "tiny")), folds=2, checksums={})
    (tmp_path / "run.json").write_text(record.to_json())
    for fold, best in enumerate((3, 6)):
        with pytest.raises(StoreError, match="one training a fold for --like"):
            chosen_epochs(tmp_path)
        fold_folder(tmp_path, fold).mkdir()
        (fold_folder(tmp_path, fold) / DONE).write_text(json.dumps({"best_epoch": best, "seconds": 1}))
    # Epochs count from 0: 4 and 7 epochs were trained, and the middle is 5.5.
    assert chosen_epochs(tmp_path) == 6
