"""``maskwise report`` on drawn people, from the command line to the page."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.data.pixels import decode_photo
from maskwise.errors import DataError, StoreError
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import PREDICTIONS
from maskwise.store.predictions_file import read_predictions

Cli = Callable[..., str]


def test_a_report_with_photos(workplace: Workplace, trained: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "report.html"
    words = ("report", str(trained), "--data", str(workplace.data), "--cache", str(workplace.cache), "--out", str(out))
    printed = cli(*words, "--quiet")
    page = out.read_text(encoding="utf-8")
    assert "joint class" in printed
    assert f"{read_evaluation(trained).joint.macro_f1.value:.3f}" in page
    assert "was not at hand" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*", page)
    assert "<script>alert" not in page
    for heading in ("By age in years", "Where the models look", "What augmentation does", "Model card"):
        assert f"<h2>{heading}</h2>" in page
    for grouping in ("By gender", "By origin", "By brightness", "By size of the face"):
        assert grouping in page
    images = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    people = {str(person) for person in read_predictions(trained / PREDICTIONS)[0].person_N}
    assert len(images) >= 7 * min(len(people), 10) + 4 * 6
    assert decode_photo(base64.b64decode(images[0]), "photo").shape[0] == 220
    with pytest.raises(StoreError, match="exists already"):
        cli(*words, "--quiet")


def test_without_photos_and_without_data(workplace: Workplace, trained: Path, tmp_path: Path, cli: Cli) -> None:
    bare, alone = tmp_path / "bare.html", tmp_path / "alone.html"
    cli("report", str(trained), "--data", str(workplace.data), "--out", str(bare), "--no-photos", "--quiet",
        "--cache", str(workplace.cache))  # fmt: skip
    assert "<img" not in bare.read_text(encoding="utf-8")
    assert "data:image" not in bare.read_text(encoding="utf-8")
    assert ">By brightness<" in bare.read_text(encoding="utf-8")
    printed = cli(
        "report", str(trained), "--out", str(tmp_path / "remembered.html"), "--quiet", "--cache", str(workplace.cache)
    )
    assert "was not at hand" not in printed
    moved = shutil.copytree(trained, tmp_path / "moved")
    record = json.loads((moved / "run.json").read_text(encoding="utf-8"))
    del record["seal"]  # as records of earlier versions have none
    record["data"]["folder"] = str(tmp_path / "gone")
    (moved / "run.json").write_text(json.dumps(record), encoding="utf-8")
    printed = cli("report", str(moved), "--out", str(alone), "--quiet")
    assert "was not at hand" in printed
    page = alone.read_text(encoding="utf-8")
    assert "<img" not in page
    assert ">By brightness<" not in page
    assert "By gender" in page


def test_another_data_set_is_refused(workplace: Workplace, trained: Path, tmp_path: Path, cli: Cli) -> None:
    other = tmp_path / "other"
    shutil.copytree(workplace.data, other)
    predictions, _ = read_predictions(trained / PREDICTIONS)
    (other / str(predictions.photo_N[0])).unlink()
    with pytest.raises(DataError, match="got 'one without 1 of its photos"):
        cli("report", str(trained), "--data", str(other), "--out", str(tmp_path / "x.html"), "--quiet")
    assert not (tmp_path / "x.html").exists()


def test_a_report_of_folds_and_of_an_ensemble_asks_who_never_saw_the_person(
    workplace: Workplace, cli: Cli, tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path / "runs")
    short = ("--quiet", "--folds", "2", "--set", "train.epochs=1")
    for seed, name in enumerate(("one", "two")):
        cli(*place.train(*short, "--set", f"seed={seed}", "--set", f"name={name}"))
    cli("ensemble", "one", "two", "--name", "both", "--store", str(place.store))
    out = tmp_path / "both.html"
    places = ("--store", str(place.store), "--data", str(place.data), "--cache", str(place.cache))
    cli("report", "both", *places, "--out", str(out), "--quiet")
    page = out.read_text(encoding="utf-8")
    assert "An ensemble of 2 runs" in page
    assert {*re.findall(r"By (fold \d of \w+)\.", page)} <= {f"fold {k} of {n}" for k in (0, 1) for n in ("one", "two")}
    assert len(re.findall(r"By fold", page)) >= 6
    assert page.count("one · fold ") >= 2
    assert "ensemble.json" in page
    member = next(folder for folder in place.store.iterdir() if '"name": "two"' in (folder / "run.json").read_text())
    shutil.move(member, tmp_path / "away")
    cli("report", "both", *places, "--out", str(out), "--quiet", "--force")
    assert "Members of the ensemble are gone" in out.read_text(encoding="utf-8")


def test_numbers_alone_load_no_torch(workplace: Workplace, trained: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        f"words = ['report', {str(trained)!r}, '--data', {str(workplace.data)!r}, '--no-photos', '--quiet',"
        f" '--cache', {str(workplace.cache)!r}, '--out', {str(tmp_path / 'r.html')!r}]\n"
        "print(CliRunner().invoke(app, words).exit_code, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "0 False\n", ended.stderr
