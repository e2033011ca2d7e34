"""Sources whose labels stand in a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskwise.data.importing.ages import parse_age
from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Listed, Rejected
from maskwise.data.layout import NOT_KNOWN, on_disk
from maskwise.errors import DataError, must
from maskwise.tables import CsvTable, same_name, scan_csv

GENDER_OF_WORD = {"male": "male", "m": "male", "man": "male", "female": "female", "f": "female", "woman": "female"}
"""What label files write for a gender, in lower case. Numbers mean different things in different files."""
PHOTO_OF_MASK = {"worn": "mask1", "incorrect": "incorrect_mask", "not_worn": PORTRAIT}
"""Mask class → the name of a photo that shows it."""
MASK_OF_WORD = {
    **dict.fromkeys(("worn", "mask", "masked", "with_mask", "with mask", "wear", "correct", "yes"), "worn"),
    **dict.fromkeys(("incorrect", "incorrect_mask", "mask_weared_incorrect", "wrong"), "incorrect"),
    **dict.fromkeys(("not_worn", "not worn", "no_mask", "no mask", "without_mask", "normal", "no", "none"), "not_worn"),
}
"""What label files write for a mask, in lower case."""


def photo_at(source: Path, path: str) -> Path:
    """The file that a table names: slashes of Windows, and letters written in the other of Unicode's two ways, too."""
    path = path if (source / path).exists() else path.replace("\\", "/")
    if path.isascii() or (source / path).exists():
        return source / path
    found = source
    for part in path.split("/"):
        try:
            names = on_disk(entry.name for entry in found.iterdir())
        except OSError:
            return source / path
        found /= names.get(same_name(part), part)
    return found


def sound_label_rows(path: Path, required: Sequence[str], listed: Listed) -> CsvTable:
    """The rows of a label file, blanks cut off; rows of a wrong length are rejected.

    ``DataError`` when the file as a whole cannot be used: unreadable, not UTF-8, other separators, a column missing or
    named twice, a lone quote (what follows it cannot be trusted).
    """
    table, faults = scan_csv(path, required)
    broken = [fault for fault in faults if fault.line is None or not table.columns or "proper CSV" in fault.message]
    if broken:
        places = [str(path) if line is None else f"{path}, line {line}" for line, _ in broken]
        raise DataError([f"{place}: {fault.message}" for place, fault in zip(places, broken, strict=True)])
    listed.rejected += [Rejected.because(path.name, line, message) for line, message in faults]
    return table.trimmed()


def add_row(
    listed: Listed,
    label_file: str,
    line: int,
    photo: tuple[Path, str],
    gender: str | None,
    age: str | None,
    genders: Mapping[str, str] = GENDER_OF_WORD,
    identity: str = "",
    name: str | None = PORTRAIT,
) -> None:
    """Take over one row: its photo as (file, path below the source), gender and age as written (None: no such column).

    ``name`` is the photo's in the layout: with a mask or without; None where its mask is none that is known.
    """
    path, where = photo
    known_gender = NOT_KNOWN if gender is None else genders.get(gender.lower())
    age_years = None if age is None else parse_age(age)
    place = f"{label_file}: {where}" if where else label_file
    if not where:
        listed.reject(place, line, "file", "the path of a photo", "", "Fill it in.")
    elif known_gender is None:
        listed.reject(place, line, "gender", "male or female", gender, "Correct the row, or name the word's meaning.")
    elif age is not None and age_years is None:
        listed.reject(place, line, "age", "years or a bin such as 20-29", age, "Correct the row.")
    elif name is None:
        remedy = "Correct the row, or name the word's meaning under masks in --map-file."
        listed.reject(place, line, "mask", "worn, incorrect or not_worn", "another word", remedy)
    else:
        listed.faces.append(ImportedFace({name: path}, known_gender, age_years, where, label_file, line, identity))


def refuse_no_label_file(source: Path, pattern: str) -> None:
    """``DataError``: there is no label file in the source."""
    raise DataError(must(str(source), f"a folder with {pattern}", "none", "Check FORMAT and SRC."))
