"""A training that is under way, read from its logs."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.recipe.load import load_recipe
from maskwise.store.layout import fold_folder, log_path
from maskwise.store.runs import StoredRun, read_record
from maskwise.store.write_runs import start_run
from maskwise.studio.frame import live_fragment, running_fragment
from maskwise.studio.live import read_progress
from support.finished_runs import run_record

BEGUN_S = 1_700_000_000.0


def epoch(number: int, loss: float, seconds: float = 10.0) -> str:
    """A line of the log."""
    row = {"fold": 0, "epoch": number, "epochs": 8, "loss": loss, "rate": 0.1, "macro_f1": None, "accuracy": None}
    return json.dumps({**row, "best": True, "photos": 100, "seconds": seconds}) + "\n"


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    """Two folds of eight epochs, none of which has ended."""
    recipe = load_recipe("baseline", ["train.epochs=8"]).model_dump(mode="json")
    folder = start_run(tmp_path, dataclasses.replace(run_record("growing", folds=2), recipe=recipe))
    os.utime(folder / "run.json", (BEGUN_S, BEGUN_S))
    return StoredRun(folder, read_record(folder))


def write_log(run: StoredRun, fold: int, text: str, written_s: float) -> None:
    path = log_path(run.folder, fold)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (written_s, written_s))


def test_progress_grows_with_the_log(run: StoredRun) -> None:
    none = read_progress(run, BEGUN_S + 5)
    assert (none.epochs_done, none.epochs, none.epoch_seconds, none.seconds_left, none.curves) == (
        0,
        16,
        None,
        None,
        (),
    )
    assert "The curves begin after the first epoch." in live_fragment(none)
    write_log(run, 0, epoch(0, 2.5) + epoch(1, 2.0, 20.0), BEGUN_S + 30)
    some = read_progress(run, BEGUN_S + 32)
    assert (some.epochs_done, some.epochs, some.epoch_seconds, some.seconds_left) == (2, 16, 15.0, 210.0)
    assert some.silent_s == pytest.approx(2.0)
    assert some.curves[0].loss_E == (2.5, 2.0)
    assert "2 of 16 epochs" in live_fragment(some)
    assert "about 3m 30s left" in running_fragment([(run, some)])


def test_a_fold_that_ended_early_counts_as_long_as_it_was(run: StoredRun) -> None:
    write_log(run, 0, epoch(0, 2.5), BEGUN_S)
    (fold_folder(run.folder, 0) / "fold.json").write_text("{}")
    assert read_progress(run, BEGUN_S).epochs == 9


def test_a_long_silence_is_said(run: StoredRun) -> None:
    write_log(run, 0, epoch(0, 2.5), BEGUN_S)
    soon, late = (read_progress(run, BEGUN_S + silent_s) for silent_s in (500.0, 700.0))
    assert not soon.may_have_stopped
    assert late.may_have_stopped
    assert "It may have stopped." in live_fragment(late)
    assert "no sign for 11m 40s" in running_fragment([(run, late)])


def test_a_recipe_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = start_run(tmp_path, dataclasses.replace(run_record("old"), recipe={"name": 3}))
    with pytest.raises(StoreError, match="of this version"):
        read_progress(StoredRun(folder, read_record(folder)), 0.0)
