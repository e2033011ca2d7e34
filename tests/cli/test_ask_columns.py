"""Columns of other names, asked for where somebody sits at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from support.face_sets import photos


def at_terminal(words: list[str], answers: str) -> tuple[int, str]:
    """Exit code and everything that a terminal shows."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "maskwise", *words]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, close_fds=True)
    os.close(follower)
    os.write(leader, answers.encode())
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(timeout=60), shown.decode()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    files = photos()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(next(files))
    path = tmp_path / "own.csv"
    path.write_text("Image,kind,years\na.jpg,male,30\nb.jpg,female,40\n")
    return path


def test_columns_are_asked_for_with_likely_names_offered(table: Path) -> None:
    words = ["data", "import", "csv", str(table), str(table.parent / "out"), "--no-masks"]
    # Enter takes the offered column; "who" is none; 2 is the number of the column "kind".
    code, shown = at_terminal(words, "\nwho\n2\n\n")
    assert code == 0, shown
    assert "  2  kind   male, female" in shown
    assert "Which of them is the file [Image]:" in shown
    assert "It must be one of kind, years, or empty for none." in shown
    assert "without questions: --map Image=file " in shown
    assert " --map kind=gender --map years=age" in shown
    assert "2 people, 2 photos, 0 rejected" in shown


def test_without_a_terminal_nothing_is_asked(table: Path) -> None:
    words = [sys.executable, "-m", "maskwise", "data", "import", "csv", str(table), str(table.parent / "out")]
    done = subprocess.run(words, input="Image\n", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Which of them" not in done.stderr
    assert "--map Image=file --map years=age" in done.stderr
