"""``maskwise predict`` as people type it: one photo, several, folders, standard input; lines, JSON and files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.errors import DataError, UserError
from maskwise.export.reader import load
from support.faces_drawn import bare_face
from support.small_bundle import write_small_bundle

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("small") / "bundle")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos, one of them in a folder of its own."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    for number, name in enumerate(("a.jpg", "b.jpg", "more/c.jpg")):
        photo_HWC, _ = bare_face(number)
        cv2.imwrite(str(folder / name), photo_HWC[:, :, ::-1])
    return folder


def line_of(bundle: Path, photo: Path) -> str:
    with load(bundle) as loaded:
        return loaded.predict(photo)[0].line()


def test_one_photo_is_one_line(bundle: Path, photos: Path, cli: Cli) -> None:
    printed = cli("predict", str(bundle), str(photos / "a.jpg"))
    assert printed == f"{line_of(bundle, photos / 'a.jpg')}\n"
    assert "years)" in printed


def test_several_photos_and_folders_are_named_as_they_were_given(bundle: Path, photos: Path, cli: Cli) -> None:
    lines = cli("predict", str(bundle), str(photos / "b.jpg"), str(photos / "more"), str(photos / "b.jpg")).splitlines()
    assert [line.split("  ")[0] for line in lines] == [str(photos / "b.jpg"), str(photos / "more" / "c.jpg")]
    folder = cli("predict", str(bundle), str(photos)).splitlines()
    assert [line.split("  ")[0] for line in folder] == ["a.jpg", "b.jpg", "more/c.jpg"]


def test_a_photo_through_standard_input(bundle: Path, photos: Path) -> None:
    command = [sys.executable, "-m", "maskwise", "predict", str(bundle), "-"]
    data = (photos / "a.jpg").read_bytes()
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stdout.decode() == f"{line_of(bundle, photos / 'a.jpg')}\n"
    broken = subprocess.run(command, input=b"no photo", capture_output=True, check=False)
    assert (broken.returncode, broken.stdout) == (2, b"")
    assert broken.stderr.splitlines()[-2].startswith(b"- must be a photo")


def test_json_and_its_lines_have_the_names_of_the_table(bundle: Path, photos: Path, cli: Cli, tmp_path: Path) -> None:
    records = json.loads(cli("predict", str(bundle), str(photos), "--json"))
    cli("predict", str(bundle), str(photos), "--out", str(tmp_path / "p.jsonl"))
    cli("predict", str(bundle), str(photos), "--out", str(tmp_path / "p.csv"))
    assert [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()] == records
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for record, row in zip(records, rows, strict=True):
        for name in ("photo", "class", "mask", "gender", "age_group"):
            assert str(record[name]) == row[name]
        assert record["probabilities"]["mask"]["worn"] == pytest.approx(float(row["p_worn"]))
        assert record["joint_probabilities"][0] == pytest.approx(float(row["p_worn_male_under_30"]))


def test_faces_and_abstaining_without_a_file(bundle: Path, photos: Path, cli: Cli, tmp_path: Path) -> None:
    (faces,) = json.loads(cli("predict", str(bundle), str(photos / "a.jpg"), "--faces", "each", "--json"))
    assert len(faces["faces"]) == 1
    assert len(faces["faces"][0]["box_xyxy_px"]) == 4
    assert "abstain" in cli("predict", str(bundle), str(photos / "a.jpg"), "--abstain-below", "1")
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((40, 40, 3), 90, np.uint8))
    assert cli("predict", str(bundle), str(blank), "--faces", "each") == "no_face\n"


def test_a_run_predicts_one_photo_as_a_bundle_does(trained: Path, photos: Path, cli: Cli) -> None:
    (line,) = cli("predict", str(trained), str(photos / "a.jpg")).splitlines()
    assert line.count(" · ") == 2
    assert "abstain" in cli("predict", str(trained), str(photos / "a.jpg"), "--abstain-below", "1")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--out", "x.txt"), "named .csv, .parquet, .jsonl"),
        (("--out", "x.jsonl", "--json"), "without --out"),
        (("--out", "x.parquet", "--faces", "each"), "a .csv or .jsonl"),
        (("--workers", "2"), "--engine ray"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_photo_is_read(
    bundle: Path, cli: Cli, words: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        cli("predict", str(bundle), "nowhere.jpg", *words)


def test_every_absent_input_is_named(bundle: Path, photos: Path, cli: Cli) -> None:
    with pytest.raises(DataError) as caught:
        cli("predict", str(bundle), "nowhere.jpg", str(photos), "neither")
    assert [line.split(" must")[0] for line in caught.value.problems] == ["INPUT nowhere.jpg", "INPUT neither"]
