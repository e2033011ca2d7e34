from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from maskwise.data.checks import check_data
from maskwise.labels import Task
from support.quirks import PEOPLE, encode, eval_names, huge_png, noise, write_quirky


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_quirky(tmp_path)


def _photo(root: Path, person: int, stem: str) -> Path:
    return next((root / "train/images" / PEOPLE[person].folder).glob(f"{stem}.*"))


def test_a_sound_data_set_has_one_warning_for_the_repeated_id(root: Path) -> None:
    done: list[int] = []
    problems = check_data(root, Task(), threads=2, advance=done.append)
    (twice,) = problems
    assert str(twice).startswith("train/train.csv, line 9: id must be named once, ")
    assert "got '003397, also in line 8'. " in str(twice)
    assert "correct it if they are two" in str(twice)
    assert twice.severity == "warning"
    assert sum(done) == len(PEOPLE) * 7 + 4


def test_every_problem_is_found_at_once(root: Path) -> None:
    csv = root / "train/train.csv"
    lines = csv.read_text(encoding="utf-8-sig").splitlines()
    lines[9] = lines[9].replace(",male,", ",man,").replace(",22,", ",121,")
    lines.append("007000,male,Asian,20,007000_male_Asian_20")
    csv.write_text("\n".join(lines), encoding="utf-8")
    _photo(root, 0, "mask1").write_bytes(b"")
    _photo(root, 0, "mask2").write_bytes(b"not a photo at all")
    cut = _photo(root, 0, "normal")
    cut.write_bytes(cut.read_bytes()[:-20])
    huge = _photo(root, 1, "mask1").parent / "mask1.png"
    _photo(root, 1, "mask1").unlink()
    huge.write_bytes(huge_png(20_000, 20_001))
    _photo(root, 2, "mask5").unlink()
    (root / "train/images" / PEOPLE[2].folder / "me.jpg").write_bytes(encode(noise(np.random.default_rng(1))))
    shutil.copy(_photo(root, 4, "mask1"), _photo(root, 3, "mask1"))
    shutil.copy(_photo(root, 5, "mask1"), _photo(root, 5, "mask2"))
    (root / "eval/images" / eval_names()[1]).rename(root / "eval/images/stray.jpg")
    info = (root / "eval/info.csv").read_text()
    (root / "eval/info.csv").write_text(info.replace(f"{eval_names()[2]},0", f"{eval_names()[2]},18"))
    problems = check_data(root, Task(), threads=2)
    found = {(problem.where, problem.line, problem.message.partition(" must")[0]) for problem in problems}
    images = "train/images"
    folders = [person.folder for person in PEOPLE]
    assert found == {
        ("train/train.csv", 9, "id"),
        ("train/train.csv", 10, "gender"),
        ("train/train.csv", 10, "age"),
        ("train/train.csv", 13, "path"),
        (_photo(root, 0, "mask1").relative_to(root).as_posix(), None, "the photo"),
        (_photo(root, 0, "mask2").relative_to(root).as_posix(), None, "the photo"),
        (cut.relative_to(root).as_posix(), None, "the photo"),
        (f"{images}/{folders[1]}/mask1.png", None, "the photo"),
        (f"{images}/{folders[2]}", None, "a person"),
        (f"{images}/{folders[2]}/me.jpg", None, "a photo's name"),
        (_photo(root, 4, "mask1").relative_to(root).as_posix(), None, "the photo"),
        (_photo(root, 5, "mask2").relative_to(root).as_posix(), None, "the photo"),
        ("eval/images/stray.jpg", None, "the photo"),
        ("eval/info.csv", 3, "ImageID"),
        ("eval/info.csv", 4, "ans"),
    }
    text = "\n".join(map(str, problems))
    for reason in (
        "an empty file",
        "the first",
        "20001 × 20000",
        "a copy of",
        "from 0 to 17 (0 where unknown), got '18'",
    ):
        assert reason in text


def test_the_same_file_under_two_people_is_an_error_and_under_one_a_warning(root: Path) -> None:
    shutil.copy(_photo(root, 4, "mask1"), _photo(root, 3, "mask1"))
    shutil.copy(_photo(root, 5, "mask1"), _photo(root, 5, "mask2"))
    # 000748 and 000748-1 may be one person.
    shutil.copy(_photo(root, 2, "mask3"), _photo(root, 3, "mask3"))
    shutil.copy(_photo(root, 0, "mask3"), root / "eval/images" / eval_names()[0])
    copies = [problem for problem in check_data(root, Task()) if "a copy of" in problem.message]
    assert [problem.severity for problem in copies].count("error") == 1
    assert len(copies) == 4
    assert next(p for p in copies if p.severity == "error").where.startswith(f"train/images/{PEOPLE[4].folder}")


def test_a_stray_file_and_a_photo_with_two_endings_are_warnings(root: Path) -> None:
    folder = root / "train/images" / PEOPLE[0].folder
    (folder / "Thumbs.db").write_bytes(b"x")
    other = "bmp"
    (folder / f"normal.{other}").write_bytes(encode(noise(np.random.default_rng(2)), "BMP"))
    warnings = [p for p in check_data(root, Task()) if p.where.startswith("train/images")]
    assert [problem.severity for problem in warnings] == ["warning", "warning"]
    assert "Thumbs.db" in warnings[1].message
    assert "photo normal must be there once" in warnings[0].message


def test_missing_parts_are_named(tmp_path: Path) -> None:
    problems = check_data(tmp_path, Task())
    assert [(p.where, p.severity) for p in problems] == [
        ("eval", "warning"),
        ("train/images", "error"),
        ("train/train.csv", "error"),
    ]
    (tmp_path / "eval").mkdir()
    assert {p.where for p in check_data(tmp_path, Task())} >= {"eval/info.csv", "eval/images"}


def test_an_eval_csv_without_classes_is_named(root: Path) -> None:
    info = root / "eval/info.csv"
    info.write_text(info.read_text().replace(",0", "").replace(",ans", ""))
    (error,) = [p for p in check_data(root, Task()) if p.severity == "error"]
    assert str(error).startswith("eval/info.csv, line 1: columns must be ImageID, ans, ")
    assert "got 'ImageID'. Add the column ans, " in str(error)
