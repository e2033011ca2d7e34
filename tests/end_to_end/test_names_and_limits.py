"""One path through the verbs in folders of odd names: plainly, in a locale without letters, with few open files."""

from __future__ import annotations

import csv
import os
import resource
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.store.runs import list_runs

NFC, NFD = (unicodedata.normalize(form, "김가영") for form in ("NFC", "NFD"))
NAMES = ("two  words ", NFC, f"{NFD} again", "😷👩🏽‍🦱", "얼" * 83 + "x")
"""The last is 250 bytes long; a file system takes 255."""
C_LOCALE = {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def few_files() -> None:
    """64 open files for the process that begins."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def place_in(root: Path, workplace: Workplace) -> Workplace:
    """The drawn people in folders of all ``NAMES``, one in the other; photos to predict have such names, too."""
    folder = root.joinpath(*NAMES)
    shutil.copytree(workplace.data, folder / "data")
    shutil.copy(workplace.recipe, folder / "tiny.yaml")
    photo = next((workplace.data / "eval/images").iterdir())
    (folder / "photos").mkdir()
    for name in (*NAMES[:-1], NAMES[-1][:82] + ".jpg"):
        shutil.copy(photo, folder / "photos" / name)
    return Workplace(folder / "data", folder / "tiny.yaml", folder / "runs", folder / "cache")


def verbs(place: Workplace) -> list[tuple[str | Path, ...]]:
    """Training, and what is made of its run."""
    at, store, data = place.data.parent, ("--store", place.store), ("--data", place.data)
    return [
        ("data", "check", place.data),
        tuple(place.train("--folds", "2", "--set", "train.epochs=1", "--set", "runtime.workers=2")),
        ("board", *store, "--html", at / "board.html"),
        ("report", "tiny", *store, *data, "--out", at / f"{NAMES[-1][:80]}.html"),
        ("export", "tiny", at / "bundle", *store, *data, "--parity-photos", "2"),
        ("predict", "tiny", at / "photos", *store, "--out", at / "run.csv"),
        ("predict", at / "bundle", at / "photos", "--out", at / "bundle.csv"),
        ("submit", "tiny", *store, *data, "--out", at / "submission.csv"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locale", "before"), [({}, None), (C_LOCALE, None), ({}, few_files)], ids=["names", "LANG=C", "64 files"]
)
def test_every_verb_works_there(
    workplace: Workplace, tmp_path: Path, locale: dict[str, str], before: Callable[[], None] | None
) -> None:
    place = place_in(tmp_path, workplace)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **locale}
    for words in verbs(place):
        command = [sys.executable, "-m", "maskwise", *map(str, words)]
        done = subprocess.run(command, capture_output=True, env=environment, preexec_fn=before, check=False)
        assert done.returncode == 0, (words, done.stderr.decode(errors="replace"))
        assert b"Traceback" not in done.stderr
    (run,) = list_runs(place.store).runs
    assert run.record.data.folder == str(place.data)
    photos = {path.name for path in (place.data.parent / "photos").iterdir()}
    for table in ("run.csv", "bundle.csv"):
        with (place.data.parent / table).open(encoding="utf-8", newline="") as file:
            assert {row["photo"] for row in csv.DictReader(file)} == photos
    assert not list(tmp_path.rglob(".writing-*"))


@pytest.mark.slow
def test_a_service_that_may_open_few_files_says_what_it_needs(workplace: Workplace, trained: Path) -> None:
    words = ["serve", str(trained), "--port", "0", "--store", str(workplace.store), "--cache", str(workplace.cache)]
    command = [sys.executable, "-m", "maskwise", *words]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=few_files, check=False, timeout=120)
    assert done.returncode == 2
    assert "the limit of open files must be at least" in done.stderr
    assert "Traceback" not in done.stderr
