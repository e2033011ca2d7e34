"""A disk that is full: one line says so, and what was there stays as it was. Needs the right to mount a tmpfs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.cli.main import main
from support.face_sets import write_utkface

VERBS: dict[str, list[str]] = {
    "train": ["train", "{recipe}", "--data", "{data}", "--store", "{small}/runs", "--cache", "{cache}", "--quiet"],
    "train with its cache": ["train", "{recipe}", "--data", "{data}", "--store", "{out}", "--cache", "{small}/cache"],
    "predict": ["predict", "{run}", "{data}/eval/images", "--out", "{small}/predictions.csv", "--quiet"],
    "export": ["export", "{run}", "{small}/bundle", "--data", "{data}", "--parity-photos", "2", "--quiet"],
    "report": ["report", "{run}", "--out", "{small}/page.html", "--no-photos", "--quiet"],
    "submit": ["submit", "{run}", "--data", "{data}", "--out", "{small}/submission.csv", "--quiet"],
    "data import": ["data", "import", "utkface", "{utk}", "{small}/set", "--no-masks", "--quiet"],
    "data demo": ["data", "demo", "{small}/demo", "--people", "2", "--quiet"],
    "tag": ["tag", "{small}/run", "--add", "good"],
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock" and path.name != ".marks.lock"
    }


@pytest.mark.faults
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("left_kib", [0, 16])
def test_one_line_says_so_and_nothing_that_was_there_changes(
    workplace: Workplace,
    trained: Path,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    left_kib: int,
) -> None:
    shutil.copytree(trained, small / "run")
    fill(small, left_kib)
    before = files_of(small)
    places = {"recipe": workplace.recipe, "data": workplace.data, "cache": workplace.cache, "run": trained}
    places |= {"small": small, "out": tmp_path / "out", "utk": tmp_path / "utk"}
    if verb == "data import":
        write_utkface(tmp_path / "utk")
    monkeypatch.setattr("sys.argv", ["maskwise", *(word.format(**places) for word in VERBS[verb])])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err.splitlines()
    assert {name: data for name, data in files_of(small).items() if name in before} == before
    if stop.value.code == 0:  # what it wrote was small enough, or a cache had rows of its own elsewhere
        assert left_kib or verb == "train with its cache"
        return
    assert stop.value.code == 2
    assert "No space left" in said[-1] or "room" in said[-1], said


def fill(place: Path, left_kib: int) -> None:
    """Leave so many KiB of the disk."""
    with (place / "filler").open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))

            except OSError:
                break
    size = (place / "filler").stat().st_size
    with (place / "filler").open("r+b") as file:
        file.truncate(max(0, size - left_kib * 1024))
