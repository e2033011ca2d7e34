"""CSV files as people and spreadsheets save them, read with the line of every row and of every fault.

A byte order mark, CRLF or lone CR, quotes (RFC 4180), rows and last columns without values and a missing last line end
are fine. Whatever else
is odd is named by its line, all of it together.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from maskwise.errors import DataError, must, nearest

PROBLEMS_SHOWN = 50
MOST_COLUMNS = 10_000
"""Of one file; lists of names this long are compared with each other."""
_SPECIAL = frozenset(',"\r\n')
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""Also behind apostrophes, so that a cell that has some by itself comes back as it was."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LINE_END = re.compile(rb"\r\n|\r|\n")

Undecodable = Literal["strict", "surrogateescape"]
"""What becomes of bytes that are not UTF-8: a fault, or carried through unchanged (names of files may hold any)."""


class Fault(NamedTuple):
    """One thing that is wrong with a CSV file."""

    line: int | None
    """The line of the file, the header's is usually 1; None where the whole file is meant."""
    message: str
    """``<thing> must be <rule>, got <value>. <what to do>``"""


@dataclass(frozen=True)
class CsvTable:
    """The well-formed rows of a CSV file as text. R rows."""

    name: str
    """The file's name, for messages."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """The R cells below each heading, as they stand; headings have no blanks around them. Empty: an unusable file."""
    line_R: list[int] = field(default_factory=list)
    """The line of the file on which each row begins."""

    @property
    def header(self) -> tuple[str, ...]:
        """The headings, in the order of the file."""
        return tuple(self.columns)

    def trimmed(self) -> CsvTable:
        """The same table without blanks around its cells, and without rows that are empty: spreadsheets leave such."""
        cut = {name: [cell.strip() for cell in cells] for name, cells in self.columns.items()}
        filled = [row for row in range(len(self.line_R)) if any(cells[row] for cells in cut.values())]
        kept = {name: [cells[row] for row in filled] for name, cells in cut.items()}
        return CsvTable(self.name, kept, [self.line_R[row] for row in filled])


def read_csv(path: Path, required: Sequence[str] = (), undecodable: Undecodable = "strict") -> CsvTable:
    """Read a CSV file with a header that names at least the columns ``required``.

    ``DataError`` names everything that is wrong with the file, each problem with the file's name and the line.
    """
    table, faults = scan_csv(path, required, undecodable)
    if faults:
        places = [str(path) if line is None else f"{path.name}:{line}" for line, _ in faults]
        problems = [f"{place}: {message}" for place, (_, message) in zip(places, faults, strict=True)]
        raise DataError(capped(problems))
    return table


def scan_csv(
    path: Path, required: Sequence[str] = (), undecodable: Undecodable = "strict"
) -> tuple[CsvTable, list[Fault]]:
    """The sound rows of a CSV file, and what is wrong with the others, sorted by line. Raises nothing for a bad file.

    A table without columns comes back when the file itself cannot be used.
    """
    nothing = CsvTable(path.name)
    text = _read_text(path, undecodable)
    if isinstance(text, Fault):
        return nothing, [text]
    rows = _rows(text)
    first = next(rows, None)
    if first is None:
        remedy = f"Begin it with {','.join(required)}." if required else "Write the file again."
        return nothing, [Fault(None, must("the file", "a CSV file with a header", "an empty file", remedy))]
    if isinstance(first, Fault):
        return nothing, [first]
    line, cells = first
    names = [name.strip() for name in cells]
    # Columns that were emptied in a spreadsheet: they end every row with commas.
    while names and not names[-1]:
        names.pop()
    faults = [Fault(line, message) for message in _header_faults(names, required)]
    return (nothing, faults) if faults else _collect(rows, names, path.name)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with "\\n" after each; ``read_csv`` gives every cell back as it was.

    A spreadsheet takes a cell that begins with = + - @, a tab or a return for a formula, even one that runs programs.
    Such a cell, unless it is a number, gets an apostrophe in front, which ``read_csv`` takes away again
    (https://owasp.org/www-community/attacks/CSV_Injection); ``exact_csv_text`` leaves it out. The csv module's writer
    leaves a lone "\\r" unquoted, which its reader then takes for the end of a row.
    """
    return exact_csv_text([_without_formulas(str(cell)) for cell in row] for row in rows)


def exact_csv_text(rows: Iterable[Sequence[object]]) -> str:
    """``csv_text`` for programs that compare names letter by letter; formulas stay what they are."""
    return "".join((",".join(map(_cell, row)) or '""') + "\n" for row in rows)


def same_name(text: str) -> str:
    """Equal for names that look equal: Macs write letters and their marks apart (NFD), others together (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def capped(problems: Sequence[str], most: int = PROBLEMS_SHOWN) -> list[str]:
    """The first ``most`` problems, and how many more there are."""
    more = len(problems) - most
    return [*problems[:most], *([f"… and {more:,} more problems of this kind."] if more > 0 else [])]


def _without_formulas(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _as_written(text: str) -> str:
    """What ``_without_formulas`` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _cell(value: object) -> str:
    text = str(value)
    special = not _SPECIAL.isdisjoint(text)
    return '"' + text.replace('"', '""') + '"' if special else text


def _read_text(path: Path, undecodable: Undecodable) -> str | Fault:
    try:
        data = path.read_bytes()
    except OSError as error:
        got = error.strerror or "an error"
        return Fault(None, must("the file", "readable", got, "Check the path that you named."))
    try:
        text = data.decode("utf-8-sig", errors=undecodable)
    except UnicodeDecodeError as error:
        got = f"the byte 0x{data[error.start]:02x}"
        return Fault(_line_of(data, error.start), must("the text", "UTF-8", got, "Save the file as UTF-8."))
    # Python's csv module would take them for letters; they are the mark of UTF-16, of pictures and of torn files.
    if (place := data.find(0)) >= 0:
        remedy = "Save the table as CSV in UTF-8."
        return Fault(_line_of(data, place), must("the text", "UTF-8 without NUL bytes", "one", remedy))
    return text


def _line_of(data: bytes, place: int) -> int:
    return len(_LINE_END.findall(data, 0, place)) + 1


def _rows(text: str) -> Iterator[tuple[int, list[str]] | Fault]:
    """Each row with the line at which it begins; a fault ends the reading, since the rest cannot be trusted."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Fault(line, must("the row", "proper CSV", str(error), "Look for a lone quote."))
            return
        if row:  # the csv module gives an empty list for a blank line
            yield line, row


def _header_faults(names: list[str], required: Sequence[str]) -> list[str]:
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            return [must("columns", "separated by commas", word, "Save the file again with commas.")]
    if len(names) > MOST_COLUMNS:
        return [must("columns", f"at most {MOST_COLUMNS:,}", f"{len(names):,}", "Leave out what is not needed.")]
    doubled = [name for name, times in Counter(names).items() if times > 1]
    if doubled:
        return capped([f"column names must be all different, got {name!r} twice. Name each once." for name in doubled])
    missing = [name for name in required if name not in names]
    if not missing:
        return []
    rule = f"{', '.join(required)} (in any order)"
    remedy = f"Missing: {', '.join(missing)}. {nearest(missing[0], names)}"
    shown = ", ".join(names[:PROBLEMS_SHOWN]) + (" …" if len(names) > PROBLEMS_SHOWN else "")
    return [must("columns", rule, shown, remedy)]


def _collect(
    rows: Iterator[tuple[int, list[str]] | Fault], names: list[str], file: str
) -> tuple[CsvTable, list[Fault]]:
    cells_of: list[list[str]] = [[] for _ in names]
    line_R: list[int] = []
    faults = []
    for row in rows:
        if isinstance(row, Fault):
            faults.append(row)
            continue
        line, cells = row
        while len(cells) > len(names) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(names):
            remedy = "Put quotes around a value that holds a comma."
            faults.append(Fault(line, must("the row", f"of {len(names)} values", len(cells), remedy)))
            continue
        line_R.append(line)
        for column, cell in zip(cells_of, cells, strict=True):
            column.append(_as_written(cell))
    return CsvTable(file, dict(zip(names, cells_of, strict=True)), line_R), faults
