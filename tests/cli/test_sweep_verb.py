"""``maskwise sweep`` where it trains nothing: what it lists, and what it refuses in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwise.cli.main import main
from maskwise.sweeps.load_space import shipped_spaces
from support.sweeps import queue_at, sweep_of

Refused = Callable[..., str]
RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04}}"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one line on stderr of a refusal with exit code 2."""

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["maskwise", "sweep", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert (stop.value.code, out) == (2, "")
        (line,) = err.splitlines()
        return line

    return run


def test_the_list_names_ready_spaces_and_begun_sweeps(tmp_path: Path, cli: Callable[..., str]) -> None:
    lines = cli("sweep", "--list", "--store", str(tmp_path)).splitlines()
    assert [line.split()[0] for line in lines] == shipped_spaces()
    queue = queue_at(tmp_path, sweep_of(RATES))
    assert cli("sweep", "--list", "--store", str(tmp_path)).splitlines()[-1] == f"begun in {tmp_path}: {queue.name}"


def test_a_sweep_without_a_run_can_be_shown(tmp_path: Path, cli: Callable[..., str]) -> None:
    queue_at(tmp_path, sweep_of(RATES))
    printed = cli("sweep", "show", "made", "--store", str(tmp_path), "--out", str(tmp_path / "out"))
    assert "0 runs (0 finished, 0 given up)" in printed
    assert "no finished run yet" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["parallel.svg", "sweep.html"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "SPACE must be given"),
        (("loss-ratio",), "--data must be given"),
        (("los-ratio", "--data", "."), "Did you mean 'loss-ratio'?"),
        (("loss-ratio", "quick", "--data", "."), "what follows SPACE must be an option, got 'quick'"),
        (("loss-ratio", "--data", "nowhere"), "--data nowhere must be a folder"),
        (("loss-ratio", "--data", ".", "--set", "train.epochz=3"), "train.epochz must be a known setting"),
        (("loss-ratio", "--data", ".", "--base", "quik"), "recipe must be a shipped one"),
        (("loss-ratio", "--data", ".", "--storage", "db://me:secret@x:y/z"), "--storage must be the address"),
        (("show",), "must be a sweep's name, got nothing"),
        (("show", "nothing", "--store", "nowhere"), "a sweep to show must be one of those begun in nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(refused: Refused, words: tuple[str, ...], said: str) -> None:
    line = refused(*words)
    assert said in line
    assert "secret" not in line


def test_an_earlier_page_is_not_overwritten(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "sweep.html").write_text("mine")
    assert "exists already" in refused("loss-ratio", "--data", ".", "--out", str(tmp_path))
    assert (tmp_path / "sweep.html").read_text() == "mine"
