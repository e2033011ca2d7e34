"""True classes from a CSV file, put to the predictions that they belong to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwise.errors import DataError
from maskwise.evaluation.matching import AMBIGUOUS, MISSING, match_photos
from maskwise.labels import Attribute, Task
from maskwise.records import Ints, Predictions, Strings
from maskwise.tables import CsvTable, capped, read_csv

_PHOTO_COLUMNS = ("photo", "ImageID")
_CLASS_COLUMNS = ("class", "ans")
_AGE_COLUMNS = ("age_group", "age_years", "age")


@dataclass(frozen=True)
class Truth:
    """True classes from a file, one row per photo."""

    name: str
    """Name of the file, for messages."""
    photo_N: Strings
    class_N: Ints
    """Joint class, never unknown."""
    person_N: Strings | None
    """None where the file has no column person."""
    line_N: Ints
    """Line of the file."""


def read_truth(path: Path, task: Task) -> Truth:
    """Read a CSV file of true classes.

    One column names the photo: ``photo`` or ``ImageID``. The truth is ``class`` or ``ans`` (the joint class, an
    integer), or one column for each attribute: ``mask`` and ``gender`` (a name such as "female", or its code), and
    ``age_group`` (a name or a code) or ``age`` / ``age_years`` (in years). A column ``person`` is used for the
    intervals. Other columns are passed over. ``DataError`` names all bad rows together.
    """
    # Names of photos need not be UTF-8.
    table = read_csv(path, undecodable="surrogateescape").trimmed()
    photo_column = _one_of(table, _PHOTO_COLUMNS)
    if photo_column is None:
        raise DataError(
            f"{table.name} must have a column photo or ImageID, got {', '.join(table.header)}. Add one of the two."
        )
    problems: list[str] = []
    photos = table.columns[photo_column]
    class_N = _classes(table, task, problems)
    person_N = _people(table, problems)
    problems += _doubled(table, photos)
    if not photos:
        problems.append(f"{table.name} must have at least one photo, got none. Add rows below the header.")
    if problems:
        raise DataError(capped(problems))
    return Truth(table.name, np.array(photos, object), class_N, person_N, np.array(table.line_R))


def with_truth(predictions: Predictions, truth: Truth) -> Predictions:
    """The predictions with the true classes (and people, where the file names them) filled in, order kept.

    Rows are matched by photo path, or by file name where it is unique. ``DataError`` lists photos of the
    file without a prediction, predictions without a true class, and file names that fit several photos.
    """
    place_M = match_photos(truth.photo_N.tolist(), predictions.photo_N)
    problems = _unmatched(predictions, truth, place_M)
    if problems:
        raise DataError(capped(problems))
    row_N = np.empty(len(predictions), np.int64)
    row_N[place_M] = np.arange(len(place_M))
    person_N = predictions.person_N if truth.person_N is None else truth.person_N[row_N]
    return dataclasses.replace(predictions, class_N=truth.class_N[row_N], person_N=person_N)


def _unmatched(predictions: Predictions, truth: Truth, place_M: Ints) -> list[str]:
    where = [f"{truth.name}:{line}: {photo!r}" for line, photo in zip(truth.line_N, truth.photo_N, strict=True)]
    problems = [f"{where[row]} must be predicted, got no such photo." for row in np.flatnonzero(place_M == MISSING)]
    problems += [
        f"{where[row]} must fit one prediction, got several of that file name. Give the path as the predictions do."
        for row in np.flatnonzero(place_M == AMBIGUOUS)
    ]
    matched, first_M = np.unique(place_M, return_index=True)
    again_M = np.setdiff1d(np.flatnonzero(place_M >= 0), first_M)
    problems += [
        f"{where[row]} must fit a prediction of its own, got one that another row names already." for row in again_M
    ]
    unmatched = np.setdiff1d(np.arange(len(predictions)), matched)
    problems += [
        f"prediction {predictions.photo_N[row]!r} must have a true class, got none in {truth.name}."
        for row in unmatched
    ]
    if problems:
        problems.insert(
            0,
            "truth and predictions must be of the same photos, "
            f"got {len(problems)} that do not fit. Predict all photos of the file, or leave the others out.",
        )
    return problems


def _classes(table: CsvTable, task: Task, problems: list[str]) -> Ints:
    """The joint class of every row; what is wrong goes into ``problems``."""
    column = _one_of(table, _CLASS_COLUMNS)
    if column is not None:
        class_N = _codes(table, column, tuple(str(code) for code in range(task.n_classes)), problems)
        if column == "ans" and len(class_N) > 1 and not problems and not np.any(class_N):
            # The competition's eval/info.csv is such a file: its zeros are placeholders.
            problems.append(
                f"{table.name}: ans must be true classes, got 0 in every row, as in a file to be filled in. "
                "If all photos truly are of class 0, name the column class."
            )
        return class_N
    columns = {attribute: _attribute_column(table, attribute) for attribute in task.attributes}
    absent = [attribute for attribute, name in columns.items() if name is None]
    if absent:
        raise DataError(
            f"{table.name} must have a column class or ans, or one for each of {', '.join(task.attributes)}, "
            f"got {', '.join(table.header)}. Add what is missing ({', '.join(absent)})."
        )
    return task.joint_class(
        {a: _attribute_codes(table, a, name, task, problems) for a, name in columns.items() if name is not None}
    )


def _attribute_column(table: CsvTable, attribute: Attribute) -> str | None:
    if attribute == "age":
        return _one_of(table, _AGE_COLUMNS)
    return attribute if attribute in table.header else None


def _attribute_codes(table: CsvTable, attribute: Attribute, column: str, task: Task, problems: list[str]) -> Ints:
    if column in ("age", "age_years"):
        return task.age_group(_whole_years(table, column, problems))
    return _codes(table, column, task.classes(attribute), problems)


def _codes(table: CsvTable, column: str, names: tuple[str, ...], problems: list[str]) -> Ints:
    """Each cell as the place of a name in ``names``, or as that place itself, an integer."""
    legal = {**{str(code): code for code in range(len(names))}, **{name: code for code, name in enumerate(names)}}
    code_N = [legal.get(cell.strip(), -1) for cell in table.columns[column]]
    rule = f"0 to {len(names) - 1}" if names[0] == "0" else f"one of {', '.join(names)} (or 0 to {len(names) - 1})"
    problems += [
        f"{table.name}:{line}: {column} must be {rule}, got {cell!r}. Correct the row."
        for code, line, cell in zip(code_N, table.line_R, table.columns[column], strict=True)
        if code < 0
    ]
    return np.array(code_N, np.int64)


def _whole_years(table: CsvTable, column: str, problems: list[str]) -> Ints:
    years_N = []
    for line, cell in zip(table.line_R, table.columns[column], strict=True):
        plain = cell.strip()
        years_N.append(int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 3 else -1)
        if years_N[-1] < 0:
            problems.append(
                f"{table.name}:{line}: {column} must be whole years from 0 to 999, got {cell!r}. Correct the row."
            )
    return np.array(years_N, np.int64)


def _people(table: CsvTable, problems: list[str]) -> Strings | None:
    if "person" not in table.header:
        return None
    people = table.columns["person"]
    problems += [
        f"{table.name}:{line}: person must be a name, got nothing. Name the person, or drop the whole column."
        for line, person in zip(table.line_R, people, strict=True)
        if not person.strip()
    ]
    return np.array(people, object)


def _doubled(table: CsvTable, photos: list[str]) -> list[str]:
    first_line: dict[str, int] = {}
    problems = []
    for photo, line in zip(photos, table.line_R, strict=True):
        if photo in first_line:
            problems.append(
                f"{table.name}:{line}: a photo must stand once, "
                f"got {photo!r} on line {first_line[photo]} too. Delete one."
            )
        first_line.setdefault(photo, line)
    return problems


def _one_of(table: CsvTable, names: tuple[str, ...]) -> str | None:
    """The one column of these that the table has; ``DataError`` for several, None for none."""
    present = [name for name in names if name in table.header]
    if len(present) > 1:
        raise DataError(f"{table.name} must have one of {', '.join(names)}, got {' and '.join(present)}. Drop one.")
    return present[0] if present else None
