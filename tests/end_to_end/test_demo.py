"""``maskwise demo`` as a newcomer gives it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest


@pytest.mark.slow
def test_the_demo_shows_the_whole_story(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "maskwise", "demo", "--out", str(tmp_path / "demo")]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    accuracy = {
        name: float(re.search(rf"^{name} +\S+ \[[^]]*\] +(\S+)", printed, re.MULTILINE)[1])  # type: ignore[index]
        for name in ("mask", "gender", "age")
    }
    assert min(accuracy["mask"], accuracy["gender"]) > accuracy["age"]
    assert accuracy["mask"] > 0.9
    assert accuracy["gender"] > 0.75
    assert accuracy["age"] > 0.5
    rows = pd.read_csv(tmp_path / "demo" / "submission.csv")
    assert len(rows) == 280
    assert rows["ans"].between(0, 17).all()
    assert (tmp_path / "demo" / "report.html").stat().st_size > 300_000
    again = subprocess.run(words, capture_output=True, text=True)
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_the_demo_never_deletes_what_no_demo_made(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    words = [sys.executable, "-m", "maskwise", "demo", "--out", str(tmp_path), "--force"]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "earlier demo" in ended.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"
