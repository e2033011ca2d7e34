"""Questions at the terminal about the columns of a table that bear other names."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from maskwise.errors import printable

if TYPE_CHECKING:
    from maskwise.data.importing.config import TableField, TableWords
    from maskwise.tables import CsvTable


def with_asked_columns(source: Path, words: TableWords) -> TableWords:
    """``words``, and which columns are file, gender and age as the user says where the table has none of that name.

    Nothing is asked where nobody sits at a terminal, or the table cannot be read: the import says then what is wrong.
    """
    from maskwise.data.importing.own_table import NEEDED_FIELDS
    from maskwise.tables import scan_csv

    if not (sys.stdin.isatty() and sys.stderr.isatty()) or not source.is_file():
        return words
    table, _ = scan_csv(source)
    missing = [name for name in NEEDED_FIELDS if words.column_of[name] not in table.columns]
    if not missing or not table.columns or set(missing) & set(words.columns.values()):
        return words
    _show(source, table)
    columns: dict[str, TableField] = dict(words.columns)
    for field in missing:
        column = _ask(field, table.header, columns)
        if column:
            columns[column] = field
    flags = " ".join(f"--map {printable(column)}={field}" for column, field in columns.items())
    typer.echo(f"without questions: {flags}", err=True)
    return words.model_copy(update={"columns": columns})


def _show(source: Path, table: CsvTable) -> None:
    """The columns with their first values."""
    typer.echo(f"{source} has these columns:", err=True)
    width = max(len(name) for name in table.header)
    for number, (name, cells) in enumerate(table.columns.items(), 1):
        values = ", ".join(dict.fromkeys(cells[:20]))
        typer.echo(f"{number:3}  {printable(name):{width}}  {printable(values)[:50]}", err=True)


def _ask(field: TableField, header: Sequence[str], taken: Collection[str]) -> str:
    """The column that is ``field``, by its name or number; "" for none."""
    from maskwise.data.importing.own_table import usual_column

    free = [name for name in header if name not in taken]
    by_number = {str(number): name for number, name in enumerate(header, 1) if name in free}
    usual = usual_column(field, free) or ""
    while True:
        said = typer.prompt(f"Which of them is the {field}", default=usual, show_default=bool(usual), err=True).strip()
        said = by_number.get(said, said) if said not in free else said
        if said in free or not said:
            return str(said)
        typer.echo(f"It must be one of {', '.join(map(printable, free))}, or empty for none.", err=True)
