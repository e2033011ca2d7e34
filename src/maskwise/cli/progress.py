"""Progress on the terminal: bars with time left, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from maskwise.errors import printable

if TYPE_CHECKING:
    from maskwise.listeners import EpochReport, Listener, StepReport


@contextmanager
def listener(quiet: bool) -> Iterator[Listener]:
    """Bars on a terminal, plain lines with ``quiet`` or elsewhere. Everything goes to stderr: stdout is for results."""
    if quiet or not sys.stderr.isatty():
        yield PlainLines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bars(bars)


def epoch_line(report: EpochReport) -> str:
    """One epoch in words."""
    fold = f"fold {report.fold + 1}, " if report.fold else ""
    score = "" if report.macro_f1 is None else f", choosing people: macro F1 {report.macro_f1:.4f}"
    best = " (best so far)" if report.best and report.macro_f1 is not None else ""
    speed = report.photos / report.seconds if report.seconds else 0
    return f"{fold}epoch {report.epoch + 1}/{report.epochs}: loss {report.loss:.4f}{score}{best}, {speed:.0f} photos/s"


class PlainLines:
    """One line an epoch and a stage; at most one line every ten seconds in between."""

    def __init__(self) -> None:
        self.stage, self.total, self.done = "", 0, 0
        self.told_at = time.monotonic()
        self.fold_started = self.stage_started = time.monotonic()

    def on_stage(self, name: str, total: int) -> None:
        self.stage, self.total, self.done = name, total, 0
        self.stage_started = time.monotonic()
        _print(f"{name}: {total}")

    def on_advance(self, done: int) -> None:
        self.done += done
        if self._due():
            left_s = (time.monotonic() - self.stage_started) / self.done * (self.total - self.done)
            _print(f"{self.stage}: {self.done}/{self.total}, about {left_s:.0f} s left")

    def on_step(self, report: StepReport) -> None:
        if self._due():
            left = (report.n_batches - report.position) * report.seconds
            loss = "" if report.loss is None else f", loss {report.loss:.4f}"
            _print(
                f"epoch {report.epoch + 1}/{report.epochs}, batch {report.position}/{report.n_batches}{loss}, "
                f"{report.n_photos / max(report.seconds, 1e-9):.0f} photos/s, {left:.0f} s left in this epoch"
            )

    def on_epoch(self, report: EpochReport) -> None:
        _print(epoch_line(report))

    def on_note(self, text: str) -> None:
        _print(printable(text))

    def _due(self) -> bool:
        if time.monotonic() - self.told_at < 10:
            return False
        self.told_at = time.monotonic()
        return True


class Bars:
    """A bar for the stage, and one for the batches of all epochs with photos/s, loss and time left."""

    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.task: TaskID | None = None
        self.training_fold: int | None = None
        self.speed = 0.0

    def on_stage(self, name: str, total: int) -> None:
        self._new_bar(name, total)

    def on_advance(self, done: int) -> None:
        if self.task is not None:
            self.bars.advance(self.task, done)

    def on_step(self, report: StepReport) -> None:
        if self.training_fold != report.fold or self.task is None:
            self.training_fold = report.fold
            self._new_bar(f"training fold {report.fold + 1}", report.n_batches * report.epochs)
        assert self.task is not None
        now = report.n_photos / max(report.seconds, 1e-9)
        self.speed = 0.9 * self.speed + 0.1 * now if self.speed else now
        loss = "" if report.loss is None else f"loss {report.loss:.3f}  "
        self.bars.update(
            self.task,
            completed=report.epoch * report.n_batches + report.position,
            detail=f"epoch {report.epoch + 1}/{report.epochs}  {loss}{self.speed:.0f} photos/s",
        )

    def on_epoch(self, report: EpochReport) -> None:
        self.bars.console.print(epoch_line(report), highlight=False)

    def on_note(self, text: str) -> None:
        self.bars.console.print(printable(text), highlight=False, markup=False)

    def _new_bar(self, name: str, total: int) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.training_fold = None if name.startswith("reading") else self.training_fold
        self.task = self.bars.add_task(name, total=total, detail="")


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
