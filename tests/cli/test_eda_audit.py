"""``maskwise eda`` and ``maskwise data audit`` on drawn people, from the command line to the files."""

from __future__ import annotations

import csv
import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.data.manifest import read_train
from maskwise.data.pixels import decode_photo
from maskwise.data.relabel import read_corrections
from maskwise.errors import DataError, StoreError, UserError
from maskwise.labels import Task
from maskwise.store.layout import PREDICTIONS
from maskwise.store.predictions_file import read_predictions
from support.finished_runs import rewrite_predictions
from support.quirks import encode

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def pictures(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn people, one photo of one of them copied to another, a little brighter."""
    root = tmp_path_factory.mktemp("pictures") / "data"
    shutil.copytree(workplace.data, root)
    one, other = sorted((root / "train/images").iterdir())[:2]
    source, target = one / "normal.jpg", other / "normal.jpg"
    photo = decode_photo(source.read_bytes(), "normal.jpg")
    target.write_bytes(encode(np.clip(photo * 0.9 + 20, 0, 255).astype(np.uint8)))
    return root


@pytest.fixture(scope="module")
def audited(pictures: Path, trained: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What an audit left, and what it printed."""
    out = tmp_path_factory.mktemp("audit") / "audit"
    return out, cli("data", "audit", str(trained), "--data", str(pictures), "--out", str(out), "--top", "5", "--quiet")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_eda_writes_a_page_and_prints_the_short_form(pictures: Path, tmp_path: Path, cli: Cli) -> None:
    out, cache = tmp_path / "page.html", tmp_path / "cache"
    reported = cli("eda", str(pictures), "--out", str(out), "--cache", str(cache), "--quiet")
    page = out.read_text(encoding="utf-8")
    assert "24 people, 168 photos, 0 unreadable" in reported
    assert re.search(r"mean \[0\.\d{3}, 0\.\d{3}, 0\.\d{3}\], std", reported)
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*", page)
    assert page.count("<img") > 24
    for heading in (
        "Classes",
        "Mask, gender and age",
        "Light and size",
        "Mean faces",
        "A look at each class",
        "Likely duplicates",
    ):
        assert f"<h2>{heading}</h2>" in page
    assert 'class="border"' in page
    assert (cache / "seen.sqlite").is_file()
    with pytest.raises(StoreError, match="exists already"):
        cli("eda", str(pictures), "--out", str(out), "--cache", str(cache), "--quiet")


def test_a_page_without_photos_shows_none(
    pictures: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = tmp_path / "page.html"
    reported = cli("eda", str(pictures), "--out", str(out), "--no-faces", "--no-photos", "--quiet")
    page = out.read_text(encoding="utf-8")
    assert "no face found: not looked for" in reported
    assert max(len(line) for line in reported.splitlines() if str(tmp_path) not in line) <= 80
    assert "<img" not in page
    assert "Mean faces" not in page


def test_an_audit_suggests_and_accepts_nothing(audited: tuple[Path, str], trained: Path) -> None:
    out, reported = audited
    rows = rows_of(out / "corrections.csv")
    people = {photo.split("/")[2][:6] for photo in read_predictions(trained / PREDICTIONS)[0].photo_N}
    assert {row["accept"] for row in rows} == {"no"}
    labels = [row for row in rows if row["attribute"] != "person"]
    assert 5 <= len(labels) <= 15
    assert {row["id"] for row in labels} <= people
    assert "suggested" in reported
    assert read_corrections([str(out / "corrections.csv")])[0].ids == []


def test_all_people_are_listed_by_rank(audited: tuple[Path, str], trained: Path) -> None:
    rows = rows_of(audited[0] / "people.csv")
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == len({*read_predictions(trained / PREDICTIONS)[0].person_N.tolist()})
    assert all(0 <= float(row["cleanlab_quality_gender"]) <= 1 for row in rows)


def test_accepted_rows_are_what_training_and_check_take(
    audited: tuple[Path, str], pictures: Path, tmp_path: Path, cli: Cli
) -> None:
    path = tmp_path / "reviewed.csv"
    text = (audited[0] / "corrections.csv").read_text(encoding="utf-8")
    path.write_text(re.sub("^no,", "yes,", text, flags=re.MULTILINE), encoding="utf-8")
    manifest = read_train(pictures, Task(), [str(path)])
    rows = rows_of(path)
    assert f"{len(rows)} of {len(rows)} rows applied" in " ".join(manifest.notes)
    (joined,) = [row for row in rows if row["attribute"] == "person" and row["id"] == "000001"]
    assert joined["value"] == "same as 000002"
    folder_N = np.array([photo.split("/")[2][:6] for photo in manifest.table.photo_N])
    assert {*manifest.table.person_N[folder_N == "000002"]} == {"000001"}
    assert "0 errors" in cli("data", "check", str(pictures), "--corrections", str(path))


def test_the_gallery_stands_alone(audited: tuple[Path, str], pictures: Path, trained: Path, tmp_path: Path) -> None:
    page = (audited[0] / "audit.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*", page)
    assert page.count("<img") >= 5 * 7 + 2
    assert "000001 and 000002" in page


def test_a_gallery_without_photos(pictures: Path, trained: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "audit"
    words = ("data", "audit", str(trained), "--data", str(pictures), "--out", str(out), "--no-photos", "--quiet")
    cli(*words)
    assert "<img" not in (out / "audit.html").read_text(encoding="utf-8")
    with pytest.raises(StoreError, match="exists already"):
        cli(*words)
    cli(*words, "--force")
    with pytest.raises(UserError, match="different ones"):
        cli("data", "audit", str(trained), str(trained), "--data", str(pictures), "--out", str(tmp_path / "x"))


def test_predictions_that_are_not_held_out_are_refused(pictures: Path, trained: Path, tmp_path: Path, cli: Cli) -> None:
    run = tmp_path / trained.name
    shutil.copytree(trained, run)
    predictions, task = read_predictions(run / PREDICTIONS)
    seen_N = np.full(len(predictions), "trained_on", dtype=object)
    rewrite_predictions(run, dataclasses.replace(predictions, seen_N=seen_N), task)
    with pytest.raises(DataError, match="held out"):
        cli("data", "audit", str(run), "--data", str(pictures), "--out", str(tmp_path / "audit"), "--quiet")


def test_neither_verb_loads_torch(pictures: Path, trained: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        f"root, run, out = {str(pictures)!r}, {str(trained)!r}, {str(tmp_path)!r}\n"
        "verbs = (['eda', root, '--out', out + '/e.html', '--no-faces'],"
        " ['data', 'audit', run, '--data', root, '--out', out + '/a'])\n"
        "codes = [CliRunner().invoke(app, words).exit_code for words in verbs]\n"
        "print(codes, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "[0, 0] False\n", ended.stderr
