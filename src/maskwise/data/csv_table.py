"""CSV files as people save them: a byte order mark, CRLF and quotes are fine; other oddities are named by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwise.data.problems import Problem
from maskwise.errors import must, nearest


@dataclass(frozen=True)
class CsvTable:
    """The well-formed rows of a CSV file, as text without surrounding blanks. R rows."""

    columns: dict[str, list[str]]
    """The R values of each column that the header names."""
    line_R: list[int]
    """The line at which each row begins; the header is line 1."""


def read_csv(path: Path, where: str, required: tuple[str, ...]) -> tuple[CsvTable, list[Problem]]:
    """Read ``path`` (called ``where`` in messages); the rows that are sound, and every problem of the others.

    A table without columns comes back when the file itself cannot be used.
    """
    nothing = CsvTable({}, [])
    text = _read_text(path, where)
    if isinstance(text, Problem):
        return nothing, [text]
    rows = _rows(text, where)
    header = next(rows, None)
    if header is None or isinstance(header, Problem):
        empty = must("the file", "a CSV file with a header", "an empty file", f"Begin it with {','.join(required)}.")
        return nothing, [header or Problem(where, None, empty)]
    names = [name.strip() for name in header[1]]
    problems = _header_problems(names, where, required)
    if problems:
        return nothing, problems
    return _collect(rows, names, where)


def _read_text(path: Path, where: str) -> str | Problem:
    try:
        data = path.read_bytes()
    except OSError as error:
        got = error.strerror or "an error"
        return Problem(where, None, must("the file", "readable", got, "Check the folder that you named."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{data[error.start]:02x}"
        return Problem(where, line, must("the text", "UTF-8", got, "Save the file as UTF-8."))


def _rows(text: str, where: str) -> Iterator[tuple[int, list[str]] | Problem]:
    """Each row with the line at which it begins; a problem ends the reading, since the rest cannot be trusted."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(where, line, must("the row", "proper CSV", str(error), "Look for a lone quote."))
            return
        if row:
            yield line, row


def _header_problems(names: list[str], where: str, required: tuple[str, ...]) -> list[Problem]:
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            remedy = "Save the file again with commas."
            return [Problem(where, 1, must("columns", "separated by commas", word, remedy))]
    if len(set(names)) < len(names):
        return [Problem(where, 1, must("column names", "all different", ", ".join(names), "Name each once."))]
    missing = [name for name in required if name not in names]
    if not missing:
        return []
    rule = f"{', '.join(required)} (in any order)"
    remedy = f"Missing: {', '.join(missing)}. {nearest(missing[0], names)}"
    return [Problem(where, 1, must("columns", rule, ", ".join(names), remedy))]


def _collect(
    rows: Iterator[tuple[int, list[str]] | Problem], names: list[str], where: str
) -> tuple[CsvTable, list[Problem]]:
    values: list[list[str]] = [[] for _ in names]
    line_R: list[int] = []
    problems = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
        elif len(row[1]) != len(names):
            remedy = "Put quotes around a value that holds a comma."
            message = must("the row", f"of {len(names)} values", len(row[1]), remedy)
            problems.append(Problem(where, row[0], message))
        else:
            line_R.append(row[0])
            for column, value in zip(values, row[1], strict=True):
                column.append(value.strip())
    return CsvTable(dict(zip(names, values, strict=True)), line_R), problems
