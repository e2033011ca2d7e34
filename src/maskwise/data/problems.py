"""What is wrong with a data set: where, in which line, how bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskwise.errors import DataError
from maskwise.tables import CsvTable, capped, scan_csv

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class DataProblem:
    """One thing that is wrong with a data set."""

    where: str
    """The file or folder, below the data set's root, with forward slashes."""
    line: int | None
    """The line of a CSV file (the header is line 1), None for anything else."""
    message: str
    """``<thing> must be <rule>, got <value>. <what to do>``"""
    severity: Severity = "error"
    """An "error" would be refused or would spoil a training; a "warning" is worth a look."""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}, line {self.line}"
        return f"{place}: {self.message}"


def refuse(problems: Sequence[DataProblem]) -> None:
    """Raise one ``DataError`` with a line for each error among ``problems`` (the first 50); warnings pass."""
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    if errors:
        raise DataError(capped(errors))


def sound_rows(path: Path, where: str, required: Sequence[str]) -> tuple[CsvTable, list[DataProblem]]:
    """The well-formed rows of a CSV file (called ``where`` in messages), blanks cut off, and the faults of the others.

    A table without columns comes back when the file itself cannot be used.
    """
    table, faults = scan_csv(path, required)
    return table.trimmed(), [DataProblem(where, line, message) for line, message in faults]


def examples(names: Sequence[str], most: int = 5) -> str:
    """``a, b, c and 12 more``."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
