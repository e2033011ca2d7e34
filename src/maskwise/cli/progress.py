"""Progress on stderr: bars with time left, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

from maskwise.errors import counted, printable
from maskwise.listeners import ALWAYS_SHOWN, Silent, epoch_line
from maskwise.text_table import about

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from maskwise.listeners import EpochReport, Listener, StepReport
    from maskwise.recipe.config import Recipe

BETWEEN_S = 10.0
"""Seconds between two plain lines on the same work."""
PLANNED_AFTER_S = 5.0
"""Seconds of training from which the time of the whole can be estimated."""


def loading(what: str, quiet: bool = False) -> None:
    """A sign of life before a slow import."""
    if not quiet:
        _print(f"loading {what} …")


class SayLoading(MetaPathFinder):
    """Stands first among the finders of modules, and says so when PyTorch begins to be imported, whoever needs it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None always: others find the module."""
        if fullname == "torch":
            sys.meta_path.remove(self)
            if PathFinder.find_spec(fullname, path, target) is not None:
                loading("PyTorch")
        return None


@contextmanager
def listener(quiet: bool, trainings: int = 1) -> Iterator[Listener]:
    """Bars on a terminal, plain lines elsewhere, with ``quiet`` nothing but what is left out or damaged.

    ``trainings`` is the number of models that are trained one after the other: time left is that of all.
    """
    if quiet:
        yield ImportantOnly()
        return
    if not sys.stderr.isatty():
        yield PlainLines(trainings)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bars(bars, trainings)


def trainings_of(recipe: Recipe) -> int:
    """How many models are trained one after the other: folds times parts."""
    from maskwise.recipe.single_recipes import models_of

    return len(models_of(recipe))


class Whole:
    """How much of all trainings is done, by their steps; a training that begins again from epoch 0 is the next one.

    After the last of ``trainings`` the next run of a series begins, whose time is measured anew.
    """

    def __init__(self, trainings: int) -> None:
        self.trainings = trainings
        self.finished = 0
        self.steps = self.steps_of_training = 0
        self.planned = False
        self.began_at: float | None = None
        self.share_at_begin = 0.0

    def take(self, report: StepReport) -> None:
        """A step was taken."""
        steps = report.epoch * report.n_batches + report.position
        if steps < self.steps:
            self.finished = (self.finished + 1) % self.trainings
            if self.finished == 0:
                self.began_at = None
        self.steps, self.steps_of_training = steps, report.epochs * report.n_batches
        if self.began_at is None:
            self.began_at, self.share_at_begin = time.monotonic(), self.share

    @property
    def share(self) -> float:
        """Of the whole, from 0 to 1."""
        return (self.finished + self.steps / max(1, self.steps_of_training)) / self.trainings

    def plan(self, report: StepReport) -> str | None:
        """How long all trainings take, once that can be estimated; None before and after, and where most is done."""
        left_s = self.seconds_left()
        if left_s is None or self.planned or self.share > 0.5:
            return None
        self.planned = True
        models = f" of {self.trainings} models" if self.trainings > 1 else ""
        return f"training: {counted(report.epochs, 'epoch')}{models}, {about(left_s)}"

    def seconds_left(self) -> float | None:
        """Until all is done; None until that can be estimated."""
        elapsed_s = 0.0 if self.began_at is None else time.monotonic() - self.began_at
        gained = self.share - self.share_at_begin
        return None if elapsed_s < PLANNED_AFTER_S or gained <= 0 else elapsed_s / gained * (1 - self.share)


class ImportantOnly(Silent):
    """Nothing but what was left out or damaged."""

    def on_note(self, text: str) -> None:
        if text.startswith(ALWAYS_SHOWN):
            _print(printable(text))


class PlainLines:
    """One line for an epoch and a stage; at most one line every ten seconds in between."""

    def __init__(self, trainings: int = 1) -> None:
        self.stage, self.total, self.done = "", 0, 0
        self.whole = Whole(trainings)
        self.printed_at = self.stage_started = time.monotonic()

    def on_stage(self, name: str, total: int) -> None:
        self.stage, self.total, self.done = name, total, 0
        self.stage_started = time.monotonic()
        _print(f"{name}: {total:,}")

    def on_advance(self, done: int) -> None:
        self.done += done
        if self._due():
            waited_s = time.monotonic() - self.stage_started
            left = f", {about(waited_s / self.done * (self.total - self.done))} left" if self.done else ""
            _print(f"{self.stage}: {self.done:,}/{self.total:,}{left}")

    def on_step(self, report: StepReport) -> None:
        self.whole.take(report)
        if plan := self.whole.plan(report):
            _print(plan)
        if self._due():
            left_s = self.whole.seconds_left()
            loss = "" if report.loss is None else f", loss {report.loss:.4f}"
            left = "" if left_s is None else f", {about(left_s)} left"
            _print(
                f"epoch {report.epoch + 1}/{report.epochs}, batch {report.position}/{report.n_batches}{loss}, "
                f"{report.n_photos / max(report.seconds, 1e-9):.0f} photos/s{left}"
            )

    def on_epoch(self, report: EpochReport) -> None:
        _print(epoch_line(report))

    def on_note(self, text: str) -> None:
        _print(printable(text))

    def _due(self) -> bool:
        if time.monotonic() - self.printed_at < BETWEEN_S:
            return False
        self.printed_at = time.monotonic()
        return True


class Bars:
    """A bar for the stage, and one for the batches of all trainings with photos/s, loss and time left."""

    def __init__(self, bars: Progress, trainings: int = 1) -> None:
        self.bars = bars
        self.task: TaskID | None = None
        self.whole = Whole(trainings)
        self.training = False
        self.speed = 0.0

    def on_stage(self, name: str, total: int) -> None:
        self._new_bar(name, total)
        self.training = False

    def on_advance(self, done: int) -> None:
        if self.task is not None:
            self.bars.advance(self.task, done)

    def on_step(self, report: StepReport) -> None:
        self.whole.take(report)
        steps = self.whole.steps_of_training
        if not self.training or self.task is None:
            self._new_bar("training", steps * self.whole.trainings)
            self.training = True
        assert self.task is not None
        if plan := self.whole.plan(report):
            self.on_note(plan)
        now = report.n_photos / max(report.seconds, 1e-9)
        self.speed = 0.9 * self.speed + 0.1 * now if self.speed else now
        model = f"model {self.whole.finished + 1}/{self.whole.trainings}  " if self.whole.trainings > 1 else ""
        loss = "" if report.loss is None else f"loss {report.loss:.3f}  "
        self.bars.update(
            self.task,
            completed=self.whole.finished * steps + self.whole.steps,
            detail=f"{model}epoch {report.epoch + 1}/{report.epochs}  {loss}{self.speed:.0f} photos/s",
        )

    def on_epoch(self, report: EpochReport) -> None:
        self.bars.console.print(epoch_line(report), highlight=False)

    def on_note(self, text: str) -> None:
        self.bars.console.print(printable(text), highlight=False, markup=False)

    def _new_bar(self, name: str, total: int) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.task = self.bars.add_task(name, total=total, detail="")


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
