"""Decisions become a list that a training takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.data.relabel import read_corrections
from maskwise.errors import UserError
from maskwise.studio.save_corrections import corrections_path, save_corrections

HEAD = ("accept", "id", "attribute", "value", "score", "labelled", "reads", "folder")
ROWS = (
    HEAD,
    ("no", "000001", "gender", "female", "0.9", "male", "female 0.98", "000001_male_Asian_30"),
    ("no", "000002", "age", "61", "0.8", "30", "61 ± 4", "000002_male_Asian_30"),
    ("no", "000003", "person", "same as 000004", "0.99", "two", "one", "000003_male_Asian_30"),
)


def test_accepted_rows_are_the_ones_that_apply(tmp_path: Path) -> None:
    path = corrections_path(tmp_path, "faces 2025/é")
    assert path == tmp_path / "corrections-faces-2025-é.csv"
    assert save_corrections(path, ROWS, {0: "yes", 1: "no", 2: "skip"}) == 1
    (read,) = read_corrections([path])
    assert (read.gender_of_id, read.age_years_of_id, read.same_people) == ({"000001": 1}, {}, [])


def test_rows_of_an_earlier_list_stay_and_a_row_can_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "corrections-faces.csv"
    save_corrections(path, ROWS[:3], {0: "yes", 1: "yes"})
    accepted = save_corrections(path, (HEAD, ROWS[1], ROWS[3]), {0: "no", 1: "yes"})
    (read,) = read_corrections([path])
    assert accepted == 2
    assert (read.gender_of_id, read.age_years_of_id) == ({}, {"000002": 61})
    assert read.same_people == [("000003", "000004")]


def test_a_row_that_is_not_there_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "corrections-faces.csv"
    with pytest.raises(UserError, match="about rows 0 to 2, got 3"):
        save_corrections(path, ROWS, {3: "yes"})
    assert not path.exists()


def test_a_file_that_is_no_such_list_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "corrections-faces.csv"
    path.write_text("my,notes\n1,2\n")
    with pytest.raises(UserError):
        save_corrections(path, ROWS, {0: "yes"})
    assert path.read_text() == "my,notes\n1,2\n"
