"""What a user sees of a training, on a terminal and in a log."""

from __future__ import annotations

import dataclasses
import io
import sys

import pytest
from rich.console import Console
from rich.progress import Progress

from maskwise.cli.progress import Bars, PlainLines, SayLoading, listener, loading
from maskwise.listeners import EpochReport, StepReport, epoch_line
from maskwise.text_table import about

STEP = StepReport(fold=0, epoch=1, epochs=4, position=3, n_batches=10, n_photos=32, loss=0.5, seconds=0.5)
EPOCH = EpochReport(
    fold=0, epoch=1, epochs=4, loss=0.8, rate=1e-3, macro_f1=0.51, accuracy=0.6, best=True, photos=320, seconds=5
)


def test_an_epoch_in_words() -> None:
    assert epoch_line(EPOCH).split(", ") == [
        "epoch 2/4: loss 0.8000",
        "macro F1 0.5100 on validation people (best so far)",
        "64 photos/s",
    ]


def test_plain_lines_are_few_and_say_speed_loss_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    plain = PlainLines()
    plain.on_stage("reading photos", 100)
    for _ in range(50):
        plain.on_step(STEP)
    plain.printed_at -= 60
    plain.on_step(dataclasses.replace(STEP, position=4))
    plain.on_epoch(EPOCH)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert lines[0] == "reading photos: 100"
    assert lines[1] == "epoch 2/4, batch 4/10, loss 0.5000, 64 photos/s"
    assert len(lines) == 3


def test_the_time_left_is_that_of_all_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr("maskwise.cli.progress.time.monotonic", lambda: now[0])
    plain = PlainLines(trainings=2)
    plain.on_step(dataclasses.replace(STEP, epoch=0, position=0))
    now[0] += 20
    plain.on_step(dataclasses.replace(STEP, epoch=1, position=0))
    # A quarter of the first of two models took 20 s: seven more quarters are left.
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training: 4 epochs of 2 models, about 2 min"
    assert lines[1].endswith("about 2 min left")
    now[0] += 60
    plain.on_step(dataclasses.replace(STEP, epoch=3, position=10))
    plain.on_step(dataclasses.replace(STEP, fold=1, epoch=0, position=0))
    assert plain.whole.share == 0.5
    assert plain.whole.seconds_left() == pytest.approx(80)


def test_each_run_of_a_series_is_timed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("maskwise.cli.progress.time.monotonic", lambda: now[0])
    plain = PlainLines()
    plain.on_step(dataclasses.replace(STEP, epoch=0, position=0))
    now[0] += 900
    plain.on_step(dataclasses.replace(STEP, epoch=3, position=10))
    plain.on_step(dataclasses.replace(STEP, epoch=0, position=0))
    assert plain.whole.seconds_left() is None
    now[0] += 10
    plain.on_step(dataclasses.replace(STEP, epoch=2, position=0))
    assert plain.whole.seconds_left() == pytest.approx(10)


@pytest.mark.parametrize("seconds, words", [(40, "about 40 s"), (380, "about 6 min"), (7800, "about 2 h 10 min")])
def test_durations_in_words(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with listener(quiet=True) as ears:
        ears.on_stage("reading photos", 3)
        ears.on_note("a note")
        ears.on_epoch(EPOCH)
    loading("PyTorch", quiet=True)
    assert capsys.readouterr() == ("", "")
    loading("PyTorch")
    assert capsys.readouterr().err == "loading PyTorch …\n"


def test_the_plan_is_said_once_and_while_most_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr("maskwise.cli.progress.time.monotonic", lambda: now[0])
    late = PlainLines()
    for epoch in range(4):
        late.on_step(dataclasses.replace(STEP, epoch=epoch, position=9))
        now[0] += 2
    assert "training" not in capsys.readouterr().err


def test_the_import_of_pytorch_is_said_by_whoever_needs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finder = SayLoading()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    assert finder.find_spec("json") is None
    assert capsys.readouterr().err == ""
    assert finder.find_spec("torch") is None
    assert capsys.readouterr().err == "loading PyTorch …\n"
    assert finder not in sys.meta_path


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


def test_a_stage_that_waits_for_its_first_piece_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainLines, "_due", lambda _: True)
    plain = PlainLines()
    plain.on_stage("reading photos", 100)
    plain.on_advance(0)
    assert capsys.readouterr().err.splitlines()[-1] == "reading photos: 0/100"


def test_without_a_terminal_there_are_no_bars() -> None:
    with listener(quiet=False) as ears:
        assert isinstance(ears, PlainLines)
