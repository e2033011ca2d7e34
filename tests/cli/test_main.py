"""What holds for every verb: home folders, locales, names that are not UTF-8."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Workplace
from maskwise.cli.main import main
from maskwise.data.relabel import read_corrections
from maskwise.files import at_home, user_cache_folder
from maskwise.store.runs import list_runs
from support.small_bundle import write_small_bundle

HANGUL, CP949 = "가영.jpg", b"\xbb\xe7\xb6\xf7.jpg"
NO_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""Names of files are ASCII to Python, as they are Latin-1 in a Latin-1 locale."""


def maskwise(home: Path, *words: str | bytes, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The command as it is typed in ``home``."""
    environment = {**os.environ, "HOME": str(home), **variables}
    command = [sys.executable, "-m", "maskwise", *words]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a bundle and photos of odd names."""
    write_small_bundle(tmp_path / "bundle")
    (tmp_path / "photos").mkdir()
    gray = Image.fromarray(np.full((512, 384, 3), 128, dtype=np.uint8))
    for name in (HANGUL.encode(), CP949):
        gray.save(tmp_path / "photos/plain.jpg")
        (tmp_path / "photos/plain.jpg").rename(tmp_path / "photos" / os.fsdecode(name))
    return tmp_path


@pytest.mark.parametrize("locale", [{"LC_ALL": "C.UTF-8"}, NO_LOCALE], ids=["utf-8", "other"])
def test_a_table_has_the_names_that_the_files_have_in_every_locale(home: Path, locale: dict[str, str]) -> None:
    done = maskwise(home, "predict", "bundle", "photos", "--out", "p.csv", **locale)
    assert done.returncode == 0, done.stderr
    names = {line.split(b",")[0] for line in (home / "p.csv").read_bytes().splitlines()[1:]}
    assert names == {HANGUL.encode(), CP949}


@pytest.mark.parametrize("out", [HANGUL.encode() + b".csv", CP949 + b".csv"], ids=["utf-8", "cp949"])
def test_what_a_terminal_cannot_show_is_printed_escaped(home: Path, out: bytes) -> None:
    done = maskwise(home, "predict", "bundle", "photos", "--out", out, LC_ALL="C.UTF-8", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert (home / os.fsdecode(out)).is_file()
    assert b"\\u" in done.stdout
    assert done.stdout.isascii()


def test_the_home_folder_is_meant_in_words_that_the_shell_leaves(home: Path) -> None:
    done = maskwise(home, "predict", "~/bundle", "~/photos", "--out=~/p.csv")
    assert done.returncode == 0, done.stderr
    assert (home / "p.csv").is_file()
    assert not (home / "~").exists()


def test_the_home_folder_is_meant_in_variables_recipes_and_project_files(home: Path) -> None:
    done = maskwise(home, "board", MASKWISE_STORE="~/nothing")
    assert str(home / "nothing").encode() in done.stdout + done.stderr
    (home / "maskwise.toml").write_text('store = "~/elsewhere"')
    done = maskwise(home, "board")
    assert str(home / "elsewhere").encode() in done.stdout + done.stderr
    (home / "mine.yaml").write_text("nonsense: 1")
    done = maskwise(home, "train", "~/mine.yaml", "--data", "~/photos")
    assert f"{home / 'mine.yaml'}: nonsense".encode() in done.stderr


def test_the_home_folder_is_meant_in_the_settings_of_a_recipe(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / "mine.csv").write_text("id,attribute,value\n7,gender,male\n")
    (read,) = read_corrections(["~/mine.csv"])
    assert dict(read.gender_of_id) == {"7": 0}


def test_who_has_no_home_keeps_the_tilde_and_has_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_home("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", str)
    assert user_cache_folder().is_absolute()


def test_a_refused_portrait_has_its_own_name_in_the_list(home: Path) -> None:
    done = maskwise(home, "data", "masks", "photos", "drawn", "--quiet", LC_ALL="C.UTF-8")
    assert done.returncode == 0, done.stderr
    assert b"\n" + CP949 + b"," in (home / "drawn/refused.csv").read_bytes()


def test_a_run_on_a_folder_of_such_a_name_is_kept_with_the_name_escaped(workplace: Workplace, tmp_path: Path) -> None:
    data = tmp_path / os.fsdecode(CP949)
    shutil.copytree(workplace.data, data)
    place = dataclasses.replace(workplace, data=data, store=tmp_path / "runs")
    words = [os.fsencode(word) for word in place.train("--set", "train.epochs=1", "--quiet")]
    done = maskwise(tmp_path, *words, LC_ALL="C.UTF-8")
    assert done.returncode == 0, done.stderr
    (run,) = list_runs(place.store).runs
    assert run.record.data.name == "\\udcbb\\udce7\\udcb6\\udcf7.jpg"
    assert f"{tmp_path}/{run.record.data.name}" in run.record.command


def test_without_a_temporary_folder_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_folder(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("maskwise.cli.main.app", no_folder)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("TMPDIR must be a folder ")
    assert line.endswith("got 'none'. Set TMPDIR to one.")


@pytest.mark.parametrize(
    "missing, named",
    [
        (("pandas",), "none of pandas. "),
        (("torch", "torchvision", "timm", "scipy", "pandas"), "none of torch, torchvision, pandas and 2 more. "),
    ],
)
def test_what_the_extra_would_install_is_named(
    missing: tuple[str, ...], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_pandas() -> None:
        raise ModuleNotFoundError("No module named 'pandas'", name="pandas")

    monkeypatch.setattr("maskwise.cli.main.app", without_pandas)
    monkeypatch.setattr("maskwise.cli.main.util.find_spec", lambda name: None if name in missing else "there")
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert f"got {named}" in line
    assert line.endswith('Install it: pip install "maskwise[train]".\n')
