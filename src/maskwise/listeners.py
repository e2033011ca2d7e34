"""What a training reports while it runs. Listeners only listen: no result depends on them.

One may give the training up from ``on_epoch``, by raising ``stopping.EndedEarly``; then there is no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StepReport:
    """One optimizer-ready batch is done."""

    fold: int
    epoch: int
    epochs: int
    position: int
    """Batches of this epoch that are done."""
    n_batches: int
    n_photos: int
    loss: float | None
    """The batch's loss where it was read; reading it at every step would make a GPU wait."""
    seconds: float
    """Since the last report."""


@dataclass(frozen=True)
class EpochReport:
    """One epoch is done. Scores are of the selection people; None where the last epoch is kept."""

    fold: int
    epoch: int
    epochs: int
    loss: float
    rate: float
    macro_f1: float | None
    accuracy: float | None
    best: bool
    photos: int
    seconds: float


LEFT_OUT = "left out"
"""Notes that begin so say what was not read."""
DAMAGED = "damaged"
"""Notes that begin so say what was done about a damaged file."""
ALWAYS_SHOWN = (LEFT_OUT, DAMAGED)
"""Beginnings of notes that are shown even where all others are not."""


class Listener(Protocol):
    """Hears of stages, steps, epochs and notes; the terminal's progress, TensorBoard and the like."""

    def on_stage(self, name: str, total: int) -> None:
        """A countable piece of work begins: reading ``total`` photos, say."""

    def on_advance(self, done: int) -> None:
        """``done`` more of the stage's pieces are done."""

    def on_step(self, report: StepReport) -> None:
        """After every batch."""

    def on_epoch(self, report: EpochReport) -> None:
        """After every epoch."""

    def on_note(self, text: str) -> None:
        """A line that the user should see: resumed, stopped early, a spare state was used."""


class Silent:
    """A listener that does nothing."""

    def on_stage(self, name: str, total: int) -> None:
        """Nothing."""

    def on_advance(self, done: int) -> None:
        """Nothing."""

    def on_step(self, report: StepReport) -> None:
        """Nothing."""

    def on_epoch(self, report: EpochReport) -> None:
        """Nothing."""

    def on_note(self, text: str) -> None:
        """Nothing."""


class Several:
    """Passes everything on to all of ``listeners``, in order."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = tuple(listeners)

    def on_stage(self, name: str, total: int) -> None:
        """To all."""
        for each in self.listeners:
            each.on_stage(name, total)

    def on_advance(self, done: int) -> None:
        """To all."""
        for each in self.listeners:
            each.on_advance(done)

    def on_step(self, report: StepReport) -> None:
        """To all."""
        for each in self.listeners:
            each.on_step(report)

    def on_epoch(self, report: EpochReport) -> None:
        """To all."""
        for each in self.listeners:
            each.on_epoch(report)

    def on_note(self, text: str) -> None:
        """To all."""
        for each in self.listeners:
            each.on_note(text)


def note_left_out(listener: Listener, problems: Iterable[str]) -> None:
    """The one record of photos that cannot be read: a note for each, ``left out: <photo and reason>``."""
    for problem in problems:
        listener.on_note(f"{LEFT_OUT}: {problem}")


def epoch_line(report: EpochReport) -> str:
    """One epoch in words."""
    fold = f"fold {report.fold + 1}, " if report.fold else ""
    score = "" if report.macro_f1 is None else f", macro F1 {report.macro_f1:.4f} on validation people"
    best = " (best so far)" if report.best and report.macro_f1 is not None else ""
    speed = report.photos / report.seconds if report.seconds else 0
    return f"{fold}epoch {report.epoch + 1}/{report.epochs}: loss {report.loss:.4f}{score}{best}, {speed:.0f} photos/s"
