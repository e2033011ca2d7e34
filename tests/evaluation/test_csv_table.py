from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import DataError
from maskwise.evaluation.csv_table import csv_text, first_problems, read_csv_table

CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(list(",\"\r\n'= ")), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_every_cell_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(csv_text([("photo", "class"), *rows]).encode())
    table = read_csv_table(path)
    assert [tuple(row) for row in table.rows] == rows
    assert table.header == ("photo", "class")


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'a,b\r\n1,2\r\n"x\r\ny",3\r\n\r\n4,5')
    table = read_csv_table(tmp_path / "t.csv")
    assert table.rows == [["1", "2"], ["x\r\ny", "3"], ["4", "5"]]
    assert table.line_N == [2, 3, 6]
    assert table.column("b") == ["2", "3", "5"]
    with pytest.raises(KeyError):
        table.column("c")


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(DataError, match="must be a readable CSV file"):
            read_csv_table(path)


def test_long_lists_of_problems_are_cut() -> None:
    assert first_problems(["p"] * 50) == ["p"] * 50
    assert first_problems(["p"] * 53) == [*["p"] * 50, "… and 3 more such problems."]
