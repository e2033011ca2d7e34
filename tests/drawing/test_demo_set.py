"""The drawn data set: its layout, its shares, and that the same seed gives the same bytes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.drawing.demo_set import (
    COMPETITION_PEOPLE,
    eval_image_id,
    mask_code,
    people_per_group,
    plan_people,
    write_demo_set,
)
from maskwise.drawing.portraits import PHOTO_STATES
from maskwise.errors import DataError
from maskwise.labels import Task

PEOPLE, EVAL_PEOPLE, SEED = 3, 2, 7


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    out, advanced = tmp_path_factory.mktemp("demo") / "set", list[int]()
    write_demo_set(out, PEOPLE, EVAL_PEOPLE, SEED, advanced.append, workers=1)
    return out, advanced


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def content_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_train_part_is_in_the_competitions_layout(drawn: tuple[Path, list[int]]) -> None:
    root, _ = drawn
    rows = rows_of(root / "train/train.csv")
    assert list(rows[0]) == ["id", "gender", "race", "age", "path"]
    assert [row["id"] for row in rows] == ["000001", "000002", "000003"]
    for row in rows:
        assert row["path"] == f"{row['id']}_{row['gender']}_Drawn_{row['age']}"
        names = {path.name for path in (root / "train/images" / row["path"]).iterdir()}
        assert names == {f"{state}.jpg" for state in PHOTO_STATES}
    assert len(list((root / "train/images").iterdir())) == PEOPLE


def test_eval_part_hides_the_labels(drawn: tuple[Path, list[int]]) -> None:
    root, _ = drawn
    info, answers = rows_of(root / "eval/info.csv"), rows_of(root / "eval_answers.csv")
    assert list(info[0]) == ["ImageID", "ans"]
    assert list(answers[0]) == ["ImageID", "ans", "person", "age"]
    assert {row["ans"] for row in info} == {"0"}
    assert [row["ImageID"] for row in info] == [row["ImageID"] for row in answers]
    assert all(re.fullmatch(r"[0-9a-f]{40}\.jpg", row["ImageID"]) for row in info)
    assert {row["ImageID"] for row in info} == {path.name for path in (root / "eval/images").iterdir()}
    assert len(info) == EVAL_PEOPLE * len(PHOTO_STATES)
    persons = [row["person"] for row in answers]
    assert persons != sorted(persons)
    assert set(persons) == {"000004", "000005"}


def test_labels_are_mask_gender_and_age_group(drawn: tuple[Path, list[int]]) -> None:
    root, _ = drawn
    answers = {row["ImageID"]: row for row in rows_of(root / "eval_answers.csv")}
    for person in plan_people(EVAL_PEOPLE, SEED, first_number=PEOPLE + 1):
        group = 0 if person.age_years < 30 else 1 if person.age_years < 60 else 2
        for state, mask in zip(PHOTO_STATES, (0, 0, 0, 0, 0, 1, 2), strict=True):
            row = answers[eval_image_id(person, state, SEED)]
            assert int(row["ans"]) == 6 * mask + 3 * (person.gender == "female") + group
            assert (row["person"], row["age"]) == (person.name, str(person.age_years))
            assert mask_code(state) == mask


def test_photos_can_be_read(drawn: tuple[Path, list[int]]) -> None:
    for path in [*drawn[0].rglob("mask3.jpg"), *(drawn[0] / "eval/images").iterdir()]:
        photo_HWC = cv2.imread(str(path))
        assert photo_HWC is not None
        assert photo_HWC.shape == (512, 384, 3)


def test_progress_counts_every_photo(drawn: tuple[Path, list[int]]) -> None:
    assert sum(drawn[1]) == (PEOPLE + EVAL_PEOPLE) * len(PHOTO_STATES)
    assert all(step > 0 for step in drawn[1])


def test_same_bytes_whatever_the_workers(drawn: tuple[Path, list[int]], tmp_path: Path) -> None:
    advanced: list[int] = []
    write_demo_set(tmp_path / "again", PEOPLE, EVAL_PEOPLE, SEED, advanced.append, workers=2)
    assert content_of(tmp_path / "again") == content_of(drawn[0])
    assert sum(advanced) == sum(drawn[1])


def test_another_seed_draws_other_photos(drawn: tuple[Path, list[int]], tmp_path: Path) -> None:
    write_demo_set(tmp_path / "other", 1, 0, SEED + 1, lambda _: None, workers=1)
    first = next((drawn[0] / "train/images").glob("000001_*")) / "normal.jpg"
    other = next((tmp_path / "other/train/images").glob("000001_*")) / "normal.jpg"
    assert first.read_bytes() != other.read_bytes()
    assert rows_of(tmp_path / "other/eval/info.csv") == []


def test_shares_are_the_competitions_own() -> None:
    np.testing.assert_array_equal(people_per_group(2700), COMPETITION_PEOPLE)
    # 270 people by hand: 54.9 41.0 8.3 / 73.2 81.7 10.9; two of the remainders .9 .9 .7 .3 .2 .0 … go up.
    np.testing.assert_array_equal(people_per_group(270), [[55, 41, 8], [73, 82, 11]])


@pytest.mark.parametrize("people", [24, 25, 30, 47, 60, 120, 500, 2701])
def test_every_group_has_three_people_or_more(people: int) -> None:
    counts = people_per_group(people)
    assert counts.sum() == people
    assert counts.min() >= 3


@pytest.mark.parametrize("people", range(24))
def test_few_people_are_spread_evenly(people: int) -> None:
    counts = people_per_group(people)
    assert counts.sum() == people
    assert counts.max() - counts.min() <= 1


def test_the_plan_keeps_to_the_shares_and_ages() -> None:
    plan = plan_people(120, 3, first_number=1)
    assert [person.number for person in plan] == list(range(1, 121))
    ages = np.array([person.age_years for person in plan])
    assert ages.min() >= 18
    assert ages.max() <= 70
    groups = Task().age_group(ages).tolist()
    drawn = Counter((person.gender, group) for person, group in zip(plan, groups, strict=True))
    wanted = people_per_group(120)
    assert drawn == {(g, k): wanted[row, k] for row, g in enumerate(("male", "female")) for k in range(3)}
    assert plan == plan_people(120, 3, first_number=1)
    assert plan != plan_people(120, 4, first_number=1)


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(DataError) as caught:
        write_demo_set(tmp_path, 0, -1, -2, lambda _: None)
    assert len(caught.value.problems) == 4
    assert "people must be 1 or more, got 0." in caught.value.problems[0]
    assert "must be empty or missing" in caught.value.problems[3]
    assert (tmp_path / "kept.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match="must be a folder, or missing, got 'a file'"):
        write_demo_set(tmp_path / "out", 1, 0, 0, lambda _: None)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_demo_set(tmp_path / "out", 1, 0, 0, lambda _: None, workers=1)
    assert len(list(tmp_path.rglob("*.jpg"))) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_left_after_an_interrupt(tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_set(tmp_path / "out", 2, 0, 0, interrupt, workers=1)
    assert list(tmp_path.iterdir()) == []
