"""A sweep whose trainings are made up: no photos, no torch model, a score that follows from the settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwise.errors import DivergedError
from maskwise.evaluation.evaluate import evaluate
from maskwise.listeners import EpochReport, Listener, Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import StoredRun, read_finished, read_record
from maskwise.store.write_runs import finish_run, start_run
from maskwise.sweeps.load_space import Sweep, parse_sweep
from maskwise.sweeps.run_sweep import SweepWork
from maskwise.sweeps.trial_queue import TrialQueue, open_queue
from maskwise.workflows.run_recipe import Place
from support.finished_runs import TASK, predictions_of

DATA = RunData("faces", "c0ffee", 12, 12)
DIVERGES_ABOVE = 0.05
"""The made-up trainer's loss is no number at larger rates."""


def space(search: str, **settings: str) -> str:
    """The YAML of a space around ``baseline``, three epochs long."""
    fields = {
        "name": "made-up",
        "base": "baseline",
        "changes": "{train.epochs: 3, train.checkpoint: {kind: inner_hold_out}, task.attributes: [mask]}",
        **settings,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + f"search: {search}\n"


def sweep_of(search: str, **settings: str) -> Sweep:
    """The sweep of ``space(…)``."""
    return parse_sweep(space(search, **settings), "made-up.yaml", Path(), None, [])


def queue_at(store: Path, sweep: Sweep, runs: int = 6, url: str | None = None) -> TrialQueue:
    """The study of ``sweep`` in ``store``."""
    return open_queue(sweep, DATA, store, url, runs)


def work_at(store: Path, sweep: Sweep, runs: int = 6, listener: Listener | None = None) -> SweepWork:
    """What a process of this sweep has, without a limit of time."""
    place = Place(Path("data"), store, Path("cache"))
    command = ("maskwise", "sweep", "made-up.yaml")
    return SweepWork(queue_at(store, sweep, runs), place, DATA, command, listener or Silent(), math.inf, poll_s=0.01)


class Trainer:
    """Stands for ``train_or_read``: photos are read rightly the oftener, the nearer the rate is to 0.01."""

    def __init__(self) -> None:
        self.trained: list[str] = []

    def __call__(self, recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
        """The finished run; reports the epochs, and diverges where the rate is too large."""
        folder = place.store / run_id(recipe, DATA.decisive)
        if folder.exists() and read_record(folder).status == "finished":
            return StoredRun(folder, read_finished(folder))
        self.trained.append(recipe.name)
        record = record_of(recipe, command)
        start_run(place.store, record)
        rate = recipe.train.optimizer.rate
        if rate > DIVERGES_ABOVE:
            raise DivergedError("the loss must be finite, got nan.")
        n_right = round(12 - 4 * min(abs(math.log10(rate / 0.01)), 3))
        for epoch in range(recipe.train.epochs):
            listener.on_epoch(report_of(epoch, recipe.train.epochs, macro_f1=n_right / 12))
        predictions = predictions_of([True] * n_right + [False] * (12 - n_right))
        scores = evaluate(predictions, TASK, np.random.default_rng(0), resamples=5)
        finish_run(folder, record, scores, predictions, TASK, seconds=60.0, needed=())
        return StoredRun(folder, read_finished(folder))


def record_of(recipe: Recipe, command: Sequence[str]) -> RunRecord:
    """A run that has just begun."""
    return RunRecord(
        run_id=run_id(recipe, DATA.decisive),
        name=recipe.name,
        created_utc="2025-01-31T12:00:00+00:00",
        recipe={"split": recipe.split.model_dump(mode="json")},
        seed=recipe.seed,
        data=DATA,
        versions={},
        command=tuple(command),
        folds=0,
    )


def report_of(epoch: int, epochs: int, macro_f1: float | None, fold: int = 0) -> EpochReport:
    """The end of an epoch."""
    return EpochReport(
        fold=fold,
        epoch=epoch,
        epochs=epochs,
        loss=1.0,
        rate=0.01,
        macro_f1=macro_f1,
        accuracy=macro_f1,
        best=True,
        photos=10,
        seconds=2.0,
    )


class Notes(Silent):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_note(self, text: str) -> None:
        self.lines.append(text)


def without_budget(queue: TrialQueue, runs: int) -> TrialQueue:
    """The same study with another number of runs."""
    return dataclasses.replace(queue, runs=runs)
