"""CSV files as lists of text, with the line that every row begins on, so that problems can be pointed at."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import DataError

PROBLEMS_SHOWN = 50
_SPECIAL = frozenset(',"\r\n')


@dataclass(frozen=True)
class CsvTable:
    """The cells of a CSV file, kept as they stand (byte for byte, no blanks cut off)."""

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    line_N: list[int]
    """The line of the file on which each row begins; the header is line 1."""

    def column(self, name: str) -> list[str]:
        """The cells below one heading. KeyError when there is no such heading."""
        if name not in self.header:
            raise KeyError(name)
        place = self.header.index(name)
        return [row[place] for row in self.rows]


def read_csv_table(path: Path) -> CsvTable:
    """Read a CSV file with a header line, in UTF-8 with or without a byte order mark.

    ``DataError`` for a file that is missing, empty, not text, with two columns of one name, or with rows of another
    length than the header; such rows are told together.
    """
    try:
        # Names of files need not be UTF-8; surrogateescape carries their bytes through unchanged.
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
        header, rows, line_N = _split(text)
    except OSError as error:
        raise DataError(f"{path} must be a readable CSV file, got {error.strerror}. Check the path.") from error
    except csv.Error as error:
        raise DataError(f"{path} must be a CSV file, got text that is none ({error}). Save it again.") from error
    doubled = sorted({name for name in header if header.count(name) > 1})
    problems = [f"{path.name}:1: columns must differ, got {name!r} twice. Rename one." for name in doubled]
    if not header:
        problems.append(f"{path.name} must begin with a line of column names, got nothing. Write the file again.")
    problems += [
        f"{path.name}:{line}: a row must have {len(header)} cells as the header has, got {len(row)}. Correct it."
        for row, line in zip(rows, line_N, strict=True)
        if len(row) != len(header)
    ]
    if problems:
        raise DataError(first_problems(problems))
    return CsvTable(path.name, tuple(header), rows, line_N)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with "\\n" after each; ``read_csv_table`` gives every cell back as it was.

    The csv module's writer leaves a lone "\\r" unquoted, which its reader then takes for the end of a row.
    """
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def first_problems(problems: Sequence[str]) -> list[str]:
    """The first 50 problems, and how many more there are."""
    more = len(problems) - PROBLEMS_SHOWN
    return [*problems[:PROBLEMS_SHOWN], *([f"… and {more:,} more such problems."] if more > 0 else [])]


def _cell(value: object) -> str:
    text = str(value)
    special = not _SPECIAL.isdisjoint(text)
    return '"' + text.replace('"', '""') + '"' if special else text


def _split(text: str) -> tuple[list[str], list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = next(reader, [])
    rows, line_N, line = [], [], reader.line_num + 1
    for row in reader:
        if row:  # the csv module gives an empty list for a blank line
            rows.append(row)
            line_N.append(line)
        line = reader.line_num + 1
    return header, rows, line_N
