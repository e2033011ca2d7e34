"""Sources whose labels stand in a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskwise.data.importing.ages import parse_age
from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Listed, Rejected
from maskwise.errors import DataError, must
from maskwise.tables import CsvTable, scan_csv

GENDER_OF_WORD = {"male": "male", "m": "male", "man": "male", "female": "female", "f": "female", "woman": "female"}
"""What label files write for a gender, in lower case. Numbers mean different things in different files."""


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
    gender: str,
    age: str,
    genders: Mapping[str, str] = GENDER_OF_WORD,
    identity: str = "",
) -> None:
    """Take over one row: its photo as (file, path below the source), gender and age as written."""
    path, where = photo
    told, age_years = genders.get(gender.lower()), parse_age(age)
    place = f"{label_file}: {where}" if where else label_file
    if not where:
        listed.reject(place, line, "file", "the path of a photo", "", "Fill it in.")
    elif told is None:
        listed.reject(place, line, "gender", "male or female", gender, "Correct the row, or name the word's meaning.")
    elif age_years is None:
        listed.reject(place, line, "age", "years or a bin such as 20-29", age, "Correct the row.")
    else:
        listed.faces.append(ImportedFace({PORTRAIT: path}, told, age_years, where, label_file, line, identity))


def refuse_no_label_file(source: Path, pattern: str) -> None:
    """``DataError``: there is no label file in the source."""
    raise DataError(must(str(source), f"a folder with {pattern}", "none", "Check FORMAT and SRC."))
