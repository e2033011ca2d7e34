"""Real signals to a real process: a stopped training goes on with the same command, to the same weights."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.store.runs import list_runs

SLOW_STEPS = ("--set", "train.epochs=6", "--set", "train.batch_size=8")


def start(place: Workplace) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "maskwise", *place.train("--quiet", *SLOW_STEPS)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def wait_for_first_state(place: Workplace, process: subprocess.Popen[str]) -> bool:
    """Until a first state is saved; False if the training ended before."""
    while process.poll() is None:
        if any(place.store.glob("[0-9a-f]*/fold-0/checkpoints.json")):
            return True
        time.sleep(0.01)
    return False


def finish(place: Workplace) -> bytes:
    """The weights once the same command has run to its end."""
    process = start(place)
    _, printed = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    (run,) = list_runs(place.store).runs
    assert run.record.status == "finished"
    assert not any(run.folder.rglob("checkpoint*")), "states are deleted at the end"
    return (run.folder / "fold-0" / "weights.safetensors").read_bytes()


def kill_at_random(place: Workplace, rng: np.random.Generator) -> None:
    """Begin, or go on with, the training and kill it somewhere."""
    with start(place) as process:
        wait_for_first_state(place, process)
        time.sleep(float(rng.uniform(0, 0.5)))
        process.kill()
    runs = list_runs(place.store)
    assert not runs.skipped, "a kill leaves no run that cannot be read"


def finish_or_read(place: Workplace) -> bytes:
    (run,) = list_runs(place.store).runs
    if run.record.status == "finished":  # it was faster than the kill
        return (run.folder / "fold-0" / "weights.safetensors").read_bytes()
    return finish(place)


def test_killed_once(workplace: Workplace, tmp_path: Path) -> None:
    whole, killed = finish(workplace.with_store(tmp_path / "whole")), workplace.with_store(tmp_path / "killed")
    kill_at_random(killed, np.random.default_rng(0))
    assert finish_or_read(killed) == whole


@pytest.mark.slow
def test_killed_ten_times_each_in_a_training_of_its_own(workplace: Workplace, tmp_path: Path) -> None:
    whole, rng = finish(workplace.with_store(tmp_path / "whole")), np.random.default_rng(1)
    for number in range(10):
        killed = workplace.with_store(tmp_path / f"killed-{number}")
        kill_at_random(killed, rng)
        assert finish_or_read(killed) == whole, f"kill number {number}"


@pytest.mark.slow
def test_killed_again_and_again_in_one_training(workplace: Workplace, tmp_path: Path) -> None:
    whole, killed = finish(workplace.with_store(tmp_path / "whole")), workplace.with_store(tmp_path / "killed")
    rng = np.random.default_rng(2)
    for _ in range(4):
        kill_at_random(killed, rng)
    assert finish_or_read(killed) == whole


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_saves_and_says_how_to_go_on(
    workplace: Workplace, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    place = workplace.with_store(tmp_path)
    process = start(place)
    assert wait_for_first_state(place, process)
    process.send_signal(number)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == code
    assert "same command" in printed
    assert "Traceback" not in printed
    (run,) = list_runs(place.store).runs
    assert run.record.status == "running"


def test_two_trainings_of_one_run_do_not_meet(workplace: Workplace, tmp_path: Path) -> None:
    place = workplace.with_store(tmp_path)
    with start(place) as first:
        assert wait_for_first_state(place, first)
        first.send_signal(signal.SIGSTOP)  # so that it cannot end meanwhile
        second = start(place)
        _, printed = second.communicate(timeout=120)
        first.kill()
    assert second.returncode == 2
    assert "another process" in printed
