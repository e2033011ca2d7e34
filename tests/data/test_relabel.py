"""Correction lists: what they say, what was accepted, and people who stand under several ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.data.checks import check_data
from maskwise.data.manifest import read_train
from maskwise.data.people import People
from maskwise.data.relabel import correct, read_corrections
from maskwise.data.splits import k_fold
from maskwise.errors import DataError
from maskwise.labels import Task
from support.quirks import write_quirky


def people(*ids: str) -> People:
    """Men of thirty."""
    count = len(ids)
    return People(list(ids), list(ids), [0] * count, [30] * count, [""] * count, list(ids), list(range(2, count + 2)))


def listed(folder: Path, text: str) -> list[str]:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return [str(path)]


def test_only_accepted_rows_are_applied(tmp_path: Path) -> None:
    text = "accept,id,attribute,value,score\nno,1,gender,female,0.9\nYes,2,gender,female,0.8\nno,2,gender,male,0.1\n"
    corrected, swaps, notes = correct(people("1", "2"), read_corrections(listed(tmp_path, text)))
    assert corrected.gender_P == [0, 1]
    assert swaps == {}
    assert "1 of 1 rows applied" in notes[0]


def test_a_list_without_the_column_is_applied_as_ever(tmp_path: Path) -> None:
    corrected, *_ = correct(people("1"), read_corrections(listed(tmp_path, "id,attribute,value\n1,age,44\n")))
    assert corrected.age_years_P == [44]


def test_people_joined_in_a_chain_are_one(tmp_path: Path) -> None:
    text = "id,attribute,value\n3,person,same as 2\n3,person,same as 5\n5,person,same as 1\n4,person,same as 9\n"
    corrected, _, notes = correct(people("1", "2", "3", "4", "5"), read_corrections(listed(tmp_path, text)))
    assert corrected.person_P == ["1", "1", "1", "4", "1"]
    assert corrected.id_P == ["1", "2", "3", "4", "5"]
    assert "3 of 4 rows applied" in notes[0]
    assert "ids not found: 9" in notes[1]


@pytest.mark.parametrize(
    "row, message",
    [
        ("maybe,1,age,44", "accept must be yes or no, got 'maybe'"),
        ("yes,1,person,000812", "same as and another id"),
        ("yes,1,person,same as 1", "same as and another id"),
        ("yes,1,persn,same as 2", "gender, age, photos or person"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_corrections(listed(tmp_path, f"accept,id,attribute,value\n{row}\n"))
    assert "line 2" in caught.value.problems[0]


def test_what_is_not_accepted_need_not_make_sense(tmp_path: Path) -> None:
    text = "accept,id,attribute,value\nno,1,color,green\n"
    assert read_corrections(listed(tmp_path, text))[0].ids == []


def test_a_spreadsheets_ids_and_ages_are_those_of_the_table(tmp_path: Path) -> None:
    text = "id,attribute,value\n1,age,53.0\n000002,gender,female\n3,person,same as 2\n"
    corrected, _, notes = correct(people("000001", "2", "0003"), read_corrections(listed(tmp_path, text)))
    assert corrected.age_years_P == [53, 30, 30]
    assert corrected.gender_P == [0, 1, 0]
    assert corrected.person_P == ["000001", "0003", "0003"]
    assert "3 of 3 rows applied" in notes[0]


def test_an_id_that_lost_its_zeros_is_still_the_person_of_its_second_row(tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "set")
    table = root / "train/train.csv"
    text = table.read_text(encoding="utf-8-sig").replace("\n000748,", "\n748,")
    table.write_text(text, encoding="utf-8")
    photos = read_train(root, Task()).table
    whose = {
        str(photo).split("/")[2]: str(person) for photo, person in zip(photos.photo_N, photos.person_N, strict=True)
    }
    assert whose["000748_male_Asian_52"] == whose["000748-1_male_Asian_52"] == "000748"


def test_joined_people_share_a_fold(tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "set")
    lists = listed(tmp_path, "id,attribute,value\n000001,person,same as 006359\n000020,person,same as 005223\n")
    task = Task(attributes=("mask",))
    table = read_train(root, task, lists).table
    folder_N = np.array([photo.split("/")[2][:6] for photo in table.photo_N])
    assert {*table.person_N[np.isin(folder_N, ["000001", "006359"])]} == {"000001"}
    for seed in range(10):
        fold_N = k_fold(table, np.random.default_rng(seed), folds=3)
        for pair in (["000001", "006359"], ["000020", "005223"]):
            assert len({*fold_N[np.isin(folder_N, pair)].tolist()}) == 1


def test_a_check_takes_lists_and_names_ids_that_are_nobodys(tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "set")
    lists = listed(tmp_path, "id,attribute,value\n000001,person,same as 006359\n777777,age,40\n")
    problems = check_data(root, Task(), corrections=lists)
    assert [(p.severity, "777777" in p.message) for p in problems if p.where == lists[0]] == [("warning", True)]
    with pytest.raises(DataError, match="attribute must be"):
        check_data(root, Task(), corrections=listed(tmp_path, "id,attribute,value\n000001,x,y\n"))


def test_a_photo_under_two_ids_is_no_error_once_they_are_one_person(tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "set")
    one, other = (next((root / "train/images").glob(f"{id_}_*/mask1.*")) for id_ in ("000001", "006359"))
    other.write_bytes(one.read_bytes())
    lists = listed(tmp_path, "id,attribute,value\n000001,person,same as 006359\n")
    before = [p.severity for p in check_data(root, Task()) if "a copy of" in p.message]
    after = [p.severity for p in check_data(root, Task(), corrections=lists) if "a copy of" in p.message]
    assert (before, after) == (["error"], ["warning"])
