"""Eight processes at once on one store and one cache: nothing is lost, nothing waits for ever."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.store.board import read_board
from maskwise.store.layout import PREDICTIONS
from maskwise.store.runs import list_runs

SEEDS = (1, 2, 3, 4)
_SECONDS = 600


def begin(words: Sequence[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "maskwise", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said on stderr."""
    said = process.communicate(timeout=_SECONDS)[1]
    return process.returncode, said


@pytest.mark.faults
def test_trainings_boards_and_a_deletion_at_once(workplace: Workplace, tmp_path: Path) -> None:
    place = Workplace(workplace.data, workplace.recipe, tmp_path / "runs", tmp_path / "cache")
    small = ("--quiet", "--set", "train.epochs=1")
    for seed in (8, 9):
        code, said = end(begin(place.train(*small, "--set", f"seed={seed}", "--set", f"name=old{seed}")))
        assert code == 0, said
    # The best of a board cannot be deleted.
    best, old = (row.record for row in read_board(place.store).rows)
    (tmp_path / "cache" / "seen.sqlite").unlink()  # so that all of them build the cache at once
    trainings = [begin(place.train(*small, "--set", f"seed={seed}", "--set", f"name=r{seed}")) for seed in SEEDS]
    same = begin(place.train(*small, "--set", "seed=1", "--set", "name=r1"))
    boards = [begin(["board", "--store", str(place.store)]) for _ in range(2)]
    deletion = begin(["store", "delete", old.run_id, "--yes", "--store", str(place.store)])
    for process in (*trainings[1:], *boards, deletion):
        code, said = end(process)
        assert code == 0, said
    # Two trainings of one run: one trains, and the other learns it, or finds it finished.
    codes = sorted((end(trainings[0]), end(same)))
    assert codes[0][0] == 0, codes
    assert codes[1][0] in (0, 2), codes
    if codes[1][0] == 2:
        assert "must be free" in codes[1][1] or "must be new" in codes[1][1], codes
    listing = list_runs(place.store)
    assert not listing.skipped
    assert sorted(run.record.name for run in listing.runs) == [best.name, *(f"r{seed}" for seed in SEEDS)]
    assert {run.record.status for run in listing.runs} == {"finished"}
    assert not list(tmp_path.rglob(".writing-*"))
    with sqlite3.connect(tmp_path / "cache" / "seen.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    alone = place.with_store(tmp_path / "alone")
    code, said = end(begin(alone.train(*small, "--set", "seed=2", "--set", "name=r2")))
    assert code == 0, said
    together = next(run.folder for run in listing.runs if run.record.name == "r2")
    assert digest(together / PREDICTIONS) == digest(alone.store / together.name / PREDICTIONS)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
