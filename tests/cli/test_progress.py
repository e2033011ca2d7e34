"""What a user sees of a training, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from maskwise.cli.progress import Bars, PlainLines, epoch_line, listener
from maskwise.listeners import EpochReport, StepReport

STEP = StepReport(fold=0, epoch=1, epochs=4, position=3, n_batches=10, n_photos=32, loss=0.5, seconds=0.5)
EPOCH = EpochReport(
    fold=0, epoch=1, epochs=4, loss=0.8, rate=1e-3, macro_f1=0.51, accuracy=0.6, best=True, photos=320, seconds=5
)


def test_an_epoch_in_words() -> None:
    assert epoch_line(EPOCH) == "epoch 2/4: loss 0.8000, choosing people: macro F1 0.5100 (best so far), 64 photos/s"


def test_plain_lines_are_few_and_say_speed_loss_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    plain = PlainLines()
    plain.on_stage("reading photos", 100)
    for _ in range(50):
        plain.on_step(STEP)
    plain.told_at -= 60
    plain.on_step(STEP)
    plain.on_epoch(EPOCH)
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0] == "reading photos: 100"
    assert lines[1] == "epoch 2/4, batch 3/10, loss 0.5000, 64 photos/s, 4 s left in this epoch"
    assert len(lines) == 3


def test_bars_on_a_terminal_show_photos_per_second_and_loss() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with Progress(*Progress.get_default_columns(), "{task.fields[detail]}", console=console) as progress:
        bars = Bars(progress)
        bars.on_stage("reading photos", 5)
        bars.on_advance(5)
        bars.on_step(STEP)
        (task,) = progress.tasks
        assert task.total == 40
        assert task.completed == 13
        assert task.fields["detail"] == "epoch 2/4  loss 0.500  64 photos/s"
        bars.on_epoch(EPOCH)
        bars.on_note("a note")
    assert "a note" in screen.getvalue()
    assert "epoch 2/4: loss 0.8000" in screen.getvalue()


def test_without_a_terminal_there_are_no_bars() -> None:
    with listener(quiet=False) as told:
        assert isinstance(told, PlainLines)
