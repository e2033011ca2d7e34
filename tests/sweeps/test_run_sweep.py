"""The story with a made-up trainer: pruning, failures, budgets, what the store holds afterwards, and the result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from maskwise.errors import UserError
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import parse_recipe
from maskwise.reports.sweep_page import sweep_files
from maskwise.reports.words import in_language
from maskwise.store.board import read_board
from maskwise.store.runs import StoredRun, read_finished
from maskwise.store.write_runs import discard_run, start_run
from maskwise.sweeps import run_sweep as story
from maskwise.sweeps.confirm import read_confirmation
from maskwise.sweeps.format_sweep import best_recipe, format_results
from maskwise.sweeps.results import find_study, read_results
from maskwise.sweeps.run_sweep import run_sweep
from maskwise.sweeps.trial_queue import REASON, RUN
from maskwise.training.stopping import InterruptedTraining
from maskwise.workflows import train_or_read as stored
from maskwise.workflows.run_recipe import Place
from support.korean import english_left
from support.sweeps import Notes, Trainer, record_of, sweep_of, without_budget, work_at

GRID = "{train.optimizer.rate: [0.0001, 0.001, 0.01, 0.1]}"
"""Of 12 photos 4, 8 and 12 are read rightly, and the last rate diverges."""


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    trainer = Trainer()
    monkeypatch.setattr(stored, "train_or_read", trainer)
    return trainer


def test_a_grid_is_trained_scored_in_pairs_and_reported(tmp_path: Path, trainer: Trainer) -> None:
    work = work_at(tmp_path, sweep_of(GRID, sampler="{kind: grid}"), runs=99)
    assert run_sweep(work)
    found = read_results(work.queue.study, tmp_path)
    assert found.rows[0].macro_f1.value == 1.0
    assert [row.params["train.optimizer.rate"] for row in found.rows] == [0.01, 0.001, 0.0001]
    # The base's own rate is 0.001, so its pair with that trial differs nowhere.
    assert found.base is not None
    assert [row.gain.value for row in found.rows if row.gain][1] == 0.0
    (failed,) = found.failed
    assert (failed.params["train.optimizer.rate"], failed.was_skipped) == (0.1, False)
    assert "finite" in failed.reason
    printed = format_results(found, None, 1000)
    assert max(map(len, format_results(found, None, 80).splitlines())) <= 80
    assert "4 runs (3 finished, 0 given up)" in printed
    assert f"trial {failed.number} failed: the loss must be finite, got nan." in printed
    assert "0.1 of them would be said to hold by chance" in printed
    recipe = best_recipe(found, None)
    assert recipe is not None
    assert parse_recipe(recipe, "best.yaml").train.optimizer.rate == 0.01
    # A failed trial leaves no half-trained run on the board.
    assert read_board(tmp_path).unfinished == ()


def test_the_base_is_the_trial_with_its_settings(tmp_path: Path, trainer: Trainer) -> None:
    assert run_sweep(work_at(tmp_path, sweep_of(GRID, sampler="{kind: grid}"), runs=99))
    # Base and the trial of rate 0.001 are one run: it is read, not trained again.
    assert len(trainer.trained) == 4
    trained = list(trainer.trained)
    other = sweep_of("{train.optimizer.rate: [0.0001, 0.001]}", sampler="{kind: grid}", name="another")
    assert run_sweep(work_at(tmp_path, other, runs=99))
    assert trainer.trained == trained


def test_halving_gives_the_worse_up_and_deletes_what_they_left(tmp_path: Path, trainer: Trainer) -> None:
    rates = "{train.optimizer.rate: {kind: float, low: 0.0001, high: 0.01, log: true}}"
    sweep = sweep_of(rates, sampler="{kind: random}", pruning="{kind: halving, reduction: 2}")
    work = work_at(tmp_path, sweep, runs=12)
    assert run_sweep(work)
    found = read_results(work.queue.study, tmp_path)
    assert len(found.rows) + len(found.pruned) == 12
    assert len(found.pruned) >= 3
    assert all(each.steps in (1, 2) and each.seconds == 2.0 * each.steps for each in found.pruned)
    # Worse at its rung than the best that went on.
    assert max(each.last_value for each in found.pruned) <= max(row.macro_f1.value for row in found.rows)
    board = read_board(tmp_path)
    assert board.unfinished == ()
    assert found.base is not None
    assert {row.record.run_id for row in board.rows} == {
        found.base.record.run_id,
        *(row.run_id for row in found.rows),
    }


def test_the_pruner_never_asks_the_scored_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reported on the way is the choosing people's; the value at the end is that of the held-out people."""
    monkeypatch.setattr(stored, "train_or_read", Trainer())
    rates = "{train.optimizer.rate: [0.0002, 0.002, 0.02]}"
    work = work_at(tmp_path, sweep_of(rates, sampler="{kind: grid}", pruning="{kind: median}"), runs=99)
    assert run_sweep(work)
    for trial in work.queue.trials():
        scores = read_finished(tmp_path / trial.user_attrs[RUN]).scores
        assert scores is not None
        assert trial.value == scores.macro_f1.value
        assert list(trial.intermediate_values) == [1, 2, 3]


def test_an_interrupted_trial_goes_on_as_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer()

    def stopped(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
        if recipe.name.endswith("-1"):
            raise InterruptedTraining(2)
        return trainer(recipe, place, command, listener)

    sweep = sweep_of(GRID, sampler="{kind: grid}")
    monkeypatch.setattr(stored, "train_or_read", stopped)
    with pytest.raises(InterruptedTraining):
        run_sweep(work_at(tmp_path, sweep, runs=99))
    monkeypatch.setattr(stored, "train_or_read", trainer)
    notes = Notes()
    work = work_at(tmp_path, sweep, runs=99, listener=notes)
    assert run_sweep(work)
    assert any(line.startswith("trial 1, which another process had begun: ") for line in notes.lines)
    assert [trial.number for trial in work.queue.trials()] == [0, 1, 2, 3]
    assert {trial.state.name for trial in work.queue.trials()} == {"COMPLETE", "FAIL"}


def test_budgets(tmp_path: Path, trainer: Trainer) -> None:
    rates = sweep_of("{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04}}", sampler="{kind: random}")
    work = work_at(tmp_path, rates, runs=3)
    assert not run_sweep(dataclasses.replace(work, ends_at_s=-math.inf))
    assert work.queue.trials() == []
    assert run_sweep(work)
    assert len(work.queue.trials()) == 3
    assert run_sweep(dataclasses.replace(work, queue=without_budget(work.queue, 5)))
    assert len(work.queue.trials()) == 5


def test_a_score_that_is_no_number_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer()

    def nan_at_best(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
        folder, record = trainer(recipe, place, command, listener)
        if recipe.train.optimizer.rate == 0.01:
            assert record.scores is not None
            nan = dataclasses.replace(record.scores.macro_f1, value=math.nan)
            record = dataclasses.replace(record, scores=dataclasses.replace(record.scores, macro_f1=nan))
        return StoredRun(folder, record)

    monkeypatch.setattr(stored, "train_or_read", nan_at_best)
    work = work_at(tmp_path, sweep_of(GRID, sampler="{kind: grid}"), runs=99)
    assert run_sweep(work)
    assert work.queue.study.best_trial.params["train.optimizer.rate"] == 0.001
    reasons = [trial.user_attrs[REASON] for trial in work.queue.trials() if trial.state.name == "FAIL"]
    assert sorted(reasons) == ["its score is no number", "the loss must be finite, got nan."]


def test_a_run_that_the_user_began_otherwise_is_not_deleted(tmp_path: Path, trainer: Trainer) -> None:
    sweep = sweep_of("{train.optimizer.rate: [0.1, 0.2]}", sampler="{kind: grid}")
    recipe = sweep.recipe({"train.optimizer.rate": 0.1}, "mine")
    folder = start_run(tmp_path, record_of(recipe, ("maskwise", "train", "mine.yaml")))
    work = work_at(tmp_path, sweep, runs=99)
    assert run_sweep(work)
    assert [trial.state.name for trial in work.queue.trials()] == ["FAIL", "FAIL"]
    assert [run.folder for run in read_board(tmp_path).unfinished] == [folder]


def test_the_best_are_confirmed_with_other_seeds_and_the_base(tmp_path: Path, trainer: Trainer) -> None:
    work = work_at(tmp_path, sweep_of(GRID, sampler="{kind: grid}"), runs=99)
    assert run_sweep(work)
    found = read_results(work.queue.study, tmp_path)
    assert read_confirmation(work.queue.study, found, tmp_path) is None
    story.confirm_best(work, found, best=2, seeds=2)
    confirmed = read_confirmation(work.queue.study, found, tmp_path)
    assert confirmed is not None
    assert [each.row.params["train.optimizer.rate"] for each in confirmed.rows] == [0.01, 0.001]
    assert (confirmed.seeds, confirmed.of_new_people, confirmed.n_people) == (2, False, 12)
    assert confirmed.rows[1].again.gain.value == 0.0
    # Base and the trial of the base's rate are one run again: 2 seeds × 2.
    assert len(trainer.trained) == 4 + 4
    recipe = best_recipe(found, confirmed)
    assert recipe is not None
    assert "# Trained again on other people: macro F1 1.000" in recipe
    html = in_language(sweep_files(found, confirmed)["sweep.html"], "ko")
    reason = "the loss must be finite, got nan."  # the library's own words
    assert english_left(html, "made-up faces baseline", "best set optimizer rate train", reason) == []


def test_what_is_left_when_runs_were_deleted_since(tmp_path: Path, trainer: Trainer) -> None:
    work = work_at(tmp_path, sweep_of(GRID, sampler="{kind: grid}"), runs=99)
    assert run_sweep(work)
    best = read_results(work.queue.study, tmp_path).rows[0]
    discard_run(tmp_path / best.run_id)
    found = read_results(find_study(tmp_path, None, "made-up"), tmp_path)
    assert found.rows[0].macro_f1 == best.macro_f1
    assert [row.gain is None for row in found.rows] == [True, False, False]


def test_the_page_and_its_pictures(tmp_path: Path, trainer: Trainer) -> None:
    optimizers = (
        "{train.optimizer: [{kind: adam}, {kind: sgd, rate: {kind: float, low: 0.001, high: 0.04, log: true}}]}"
    )
    sweep = sweep_of(optimizers, sampler="{kind: random}", pruning="{kind: halving}")
    work = work_at(tmp_path, sweep, runs=12)
    assert run_sweep(work)
    found = read_results(work.queue.study, tmp_path)
    files = sweep_files(found, None)
    assert sorted(files) == ["best.yaml", "parallel.svg", "sweep.html"]
    html = files["sweep.html"]
    assert html.count("<tr>") >= len(found.rows) + len(found.pruned) + 3
    assert "train.optimizer[sgd].rate" in html
    assert html.count('class="run ') == len(found.rows) + len(found.pruned)
    assert "http" not in html.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert files == sweep_files(found, None), "the same sweep, the same files"
    names = ("made-up", "faces", "baseline", "adam", "sgd", "set kind rate optimizer train")
    assert english_left(in_language(html, "ko"), *names) == []


def test_a_study_that_nobody_began(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a sweep to show must be one of those begun in"):
        find_study(tmp_path, None, "made-up")
