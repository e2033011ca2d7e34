"""A CSV file of one's own: a row per photo, columns of any name, the photos beside the file or wherever it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskwise.data.importing.by_table import (
    GENDER_OF_WORD,
    MASK_OF_WORD,
    PHOTO_OF_MASK,
    add_row,
    photo_at,
    sound_label_rows,
)
from maskwise.data.importing.config import TableField, TableWords
from maskwise.data.importing.faces import Listed
from maskwise.data.people import bare_id
from maskwise.errors import DataError, must
from maskwise.tables import CsvTable, same_name, scan_csv

NEEDED_FIELDS: tuple[TableField, ...] = ("file", "gender", "age")
"""What a table must hold; one with a column of masks may do without gender and age."""


def read_own_table(source: Path, words: TableWords) -> Listed:
    """The rows of the CSV file ``source``; relative paths of photos begin at its folder.

    Read are the columns file, gender, age and, where there are such, person and mask, or those that ``words`` names
    for them. Gender and age may be missing beside a mask; they are unknown then.
    """
    if source.is_dir():
        raise DataError(must(str(source), "a CSV file", "a folder", "Name the file; its photos may lie beside it."))
    column_of = words.column_of
    listed = Listed()
    try:
        table = sound_label_rows(source, [column_of["file"], *_needed_labels(source, words)], listed)
    except DataError as error:
        raise DataError([*error.problems, *_mapping(source, column_of)]) from None
    genders = GENDER_OF_WORD | {word.lower(): gender for word, gender in words.genders.items()}
    masks = MASK_OF_WORD | {word.lower(): mask for word, mask in words.masks.items()}
    person_R, mask_R = (_optional_column(table, source, words, name) for name in ("person", "mask"))
    gender_R, age_R = (table.columns.get(column_of[name]) for name in ("gender", "age"))
    for row, file in enumerate(table.columns[column_of["file"]]):
        gender, age = (None if cells is None else cells[row] for cells in (gender_R, age_R))
        person = "" if person_R is None else bare_id(same_name(person_R[row]))
        photo = photo_at(source.parent, file), file
        mask = "not_worn" if mask_R is None else masks.get(mask_R[row].lower(), "")
        shown = PHOTO_OF_MASK.get(mask)
        add_row(listed, source.name, table.line_R[row], photo, gender, age, genders, person, shown)
    return listed


def _optional_column(table: CsvTable, source: Path, words: TableWords, field: TableField) -> list[str] | None:
    """The cells of a column that need not be there, unless --map says that it is."""
    name = words.column_of[field]
    if name not in table.columns and field in words.columns.values():
        got = ", ".join(table.columns)
        raise DataError(must(f"columns of {source}", f"with {name}", got, "Correct --map."))
    return table.columns.get(name)


_USUAL_WORDS: dict[TableField, tuple[str, ...]] = {
    "file": ("path", "filename", "file_name", "filepath", "image", "image_path", "img", "photo"),
    "gender": ("sex",),
    "age": ("years", "age_years", "year"),
    "mask": ("mask_status", "wearing_mask", "label"),
    "person": ("id", "identity", "subject", "subject_id", "person_id"),
}
"""What columns are often called."""


def _mapping(source: Path, column_of: dict[TableField, str]) -> list[str]:
    """The --map that would fit the header of ``source``, where its columns bear other usual names."""
    header = scan_csv(source)[0].header
    missing = [name for name in NEEDED_FIELDS if column_of[name] not in header]
    found = {name: usual_column(name, header) for name in missing}
    flags = [f"--map {column}={name}" for name, column in found.items() if column is not None]
    return [f"{source}: for these columns add {' '.join(flags)}."] if flags else []


def usual_column(field: TableField, header: Sequence[str]) -> str | None:
    """The column that probably is ``field`` by its name."""
    return next((column for column in header if column.lower() in (field, *_USUAL_WORDS[field])), None)


def _needed_labels(source: Path, words: TableWords) -> list[str]:
    """The columns of gender and age, but for those that a table of masks does not have under any usual name."""
    header, column_of = scan_csv(source)[0].header, words.column_of
    fields: tuple[TableField, ...] = ("gender", "age")
    absent = [
        name
        for name in fields
        if column_of[name] not in header and name not in words.columns.values() and usual_column(name, header) is None
    ]
    optional = absent if column_of["mask"] in header else []
    return [column_of[name] for name in fields if name not in optional]
