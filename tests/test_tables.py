from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.errors import DataError
from maskwise.tables import CsvTable, capped, csv_text, exact_csv_text, read_csv, scan_csv

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(list(",\"\r\n'= ;"))
CELLS = st.text(LETTERS, max_size=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_every_cell_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(csv_text([("photo", "class"), *rows]).encode())
    table = read_csv(path)
    assert list(zip(table.columns["photo"], table.columns["class"], strict=True)) == rows
    assert table.header == ("photo", "class")


@given(st.lists(CELLS, max_size=6))
def test_every_cell_of_a_single_column_comes_back(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(csv_text([("photo",), *((cell,) for cell in cells)]).encode())
    assert read_csv(path).columns == {"photo": cells}


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_the_csv_module_reads_what_is_written(rows: list[tuple[str, str]]) -> None:
    assert [tuple(row) for row in csv.reader(io.StringIO(exact_csv_text(rows), newline=""))] == rows


FORMULAS = ("=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x", "'", "it's", "-", "+", "=")


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_is_a_formula_and_all_come_back(path: Path, cell: str) -> None:
    path.write_bytes(csv_text([("photo",), (cell,)]).encode())
    (_, (shown,)) = csv.reader(io.StringIO(path.read_text(), newline=""))
    assert shown[0] not in "=+-@\t\r"
    assert read_csv(path).columns["photo"] == [cell]


def test_numbers_stay_numbers() -> None:
    assert csv_text([("-1.5", "+3", "-2e-05", ".5", -7)]) == "-1.5,+3,-2e-05,.5,-7\n"
    assert exact_csv_text([("=1",)]) == "=1\n"


def test_text_written_by_hand() -> None:
    rows = [("a", "b"), (1, "x,y"), ('say "no"', "two\nlines"), ("lone\rreturn", "")]
    assert csv_text(rows) == 'a,b\n1,"x,y"\n"say ""no""","two\nlines"\n"lone\rreturn",\n'
    assert csv_text([("only",), ("",)]) == 'only\n""\n'
    assert csv_text([]) == ""


def test_lines_are_those_of_an_editor(path: Path) -> None:
    path.write_bytes(b'a,b\r\n1,2\r\n"x\r\ny",3\r\n\r\n4,5')
    table = read_csv(path)
    assert table == CsvTable("t.csv", {"a": ["1", "x\r\ny", "4"], "b": ["2", "3", "5"]}, [2, 3, 6])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_line_end_and_a_byte_order_mark_read_alike(path: Path, end: str, mark: str) -> None:
    path.write_bytes((mark + end.join(["", '"id", name ', "1,a", "", '"2","b,c"', ""])).encode())
    table = read_csv(path, ("name", "id"))
    assert table.columns == {"id": ["1", "2"], "name": ["a", "b,c"]}
    assert table.line_R == [3, 5]
    # An independent reader sees the same cells.
    frame = pd.read_csv(path, encoding="utf-8-sig", dtype=str)
    assert [str(column).strip() for column in frame] == list(table.columns)
    assert frame.to_numpy().tolist() == [["1", "a"], ["2", "b,c"]]


def test_blanks_around_cells_are_kept_until_trimmed(path: Path) -> None:
    path.write_text("id , name\n 1,\tx \n")
    table = read_csv(path)
    assert table.columns == {"id": [" 1"], "name": ["\tx "]}
    assert table.trimmed() == CsvTable("t.csv", {"id": ["1"], "name": ["x"]}, [2])


@pytest.mark.parametrize(
    "content, line, message",
    [
        (b"", None, "the file must be a CSV file with a header, got 'an empty file'. Begin it with id,age."),
        (b"\r\n\n", None, "the file must be a CSV file with a header, got 'an empty file'. Begin it with id,age."),
        (
            b"id;age\n1;2\n",
            1,
            "columns must be separated by commas, got 'semicolons'. Save the file again with commas.",
        ),
        (b"\nid\tage\n", 2, "columns must be separated by commas, got 'tabs'. Save the file again with commas."),
        (b"id,age,id\n", 1, "column names must be all different, got 'id' twice. Name each once."),
        (b"id, id ,age\n", 1, "column names must be all different, got 'id' twice. Name each once."),
        (b"id,ages\n", 1, "columns must be id, age (in any order), got 'id, ages'. Missing: age. Did you mean 'ages'?"),
        (b"id,age\n1,2\n3,\xff\n", 3, "the text must be UTF-8, got 'the byte 0xff'. Save the file as UTF-8."),
        (b"id,age\r1,2\r3,\xb1\r", 3, "the text must be UTF-8, got 'the byte 0xb1'. Save the file as UTF-8."),
        (
            b"id,age\n1,\x00\n",
            2,
            "the text must be UTF-8 without NUL bytes, got 'one'. Save the table as CSV in UTF-8.",
        ),
        ("id,age\n".encode("utf-16-le"), 1, "the text must be UTF-8 without NUL bytes, got 'one'."),
        (b'"id,age\n', 1, "the row must be proper CSV, got 'unexpected end of data'. Look for a lone quote."),
    ],
)
def test_a_file_that_cannot_be_used(path: Path, content: bytes, line: int | None, message: str) -> None:
    path.write_bytes(content)
    table, faults = scan_csv(path, ("id", "age"))
    assert table == CsvTable("t.csv")
    assert [fault.line for fault in faults] == [line]
    assert faults[0].message.startswith(message)


def test_sound_rows_come_with_the_faults_of_the_others(path: Path) -> None:
    path.write_text('a,b\n1,2\n3\n4,5,6\n"x\ny",7\n8,"9\n')
    table, faults = scan_csv(path)
    assert table.columns == {"a": ["1", "x\ny"], "b": ["2", "7"]}
    assert table.line_R == [2, 5]
    assert [fault.line for fault in faults] == [3, 4, 7]
    assert "of 2 values, got 1. " in faults[0].message
    assert "quotes" in faults[0].message
    assert "of 2 values, got 3" in faults[1].message
    assert "must be proper CSV" in faults[2].message


def test_all_faults_are_refused_together_with_file_and_line(path: Path) -> None:
    path.write_text("a,b\n" + "1\n" * 60)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    problems = caught.value.problems
    assert problems[0].startswith("t.csv:2: the row must be of 2 values, got 1.")
    assert problems[49].startswith("t.csv:51: ")
    assert problems[50:] == ("… and 10 more problems of this kind.",)


def test_several_doubled_headings_are_each_reported(path: Path) -> None:
    path.write_text("a,b,c,b,a,a\n")
    assert [fault.message.split("got ")[1] for fault in scan_csv(path)[1]] == [
        "'a' twice. Name each once.",
        "'b' twice. Name each once.",
    ]


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "nowhere.csv", "No such file or directory")):
        with pytest.raises(DataError) as caught:
            read_csv(path)
        assert caught.value.problems == (
            f"{path}: the file must be readable, got '{reason}'. Check the path that you named.",
        )


def test_bytes_of_names_can_be_carried_through(path: Path) -> None:
    path.write_bytes(b"photo\ncaf\xe9.jpg\n")
    assert scan_csv(path)[1][0].line == 2
    (name,) = read_csv(path, undecodable="surrogateescape").columns["photo"]
    assert name.encode("utf-8", "surrogateescape") == b"caf\xe9.jpg"


def test_long_lists_of_problems_are_cut() -> None:
    assert capped(["p"] * 50) == ["p"] * 50
    assert capped(["p"] * 1_053) == [*["p"] * 50, "… and 1,003 more problems of this kind."]
    assert capped(["p", "q"], most=1) == ["p", "… and 1 more problems of this kind."]
    assert capped([]) == []


def test_a_header_of_hundreds_of_thousands_of_columns_is_refused_at_once(tmp_path: Path) -> None:
    """Each name compared with each other took hours."""
    (tmp_path / "a.csv").write_text(",".join(map(str, range(300_000))) + "\n")
    begin_s = time.process_time()
    with pytest.raises(DataError, match="columns must be at most 10,000, got '300,000'"):
        read_csv(tmp_path / "a.csv", ("photo",))
    assert time.process_time() - begin_s < 2


def test_of_many_columns_the_first_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"column_{number}" for number in range(5000)) + "\n")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path / "a.csv", ("photo",))
    assert "column_49 …" in caught.value.problems[0]
    assert "Missing: photo." in caught.value.problems[0]
