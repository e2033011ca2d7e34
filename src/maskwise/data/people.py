"""``train/train.csv``: one row a person."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.data.layout import GENDER_CODE, HIGHEST_AGE_YEARS, LOWEST_AGE_YEARS, NOT_KNOWN, TRAIN_CSV, is_plain_name
from maskwise.data.problems import DataProblem, sound_rows
from maskwise.errors import must
from maskwise.labels import UNKNOWN
from maskwise.tables import CsvTable, same_name

_SUFFIX = re.compile(r"-[12]$")
_AGE = re.compile(r"[0-9]{1,3}(?:\.0*)?")
"""Spreadsheets and pandas write 53.0 where a column has a gap."""


@dataclass(frozen=True)
class People:
    """The rows of ``train.csv`` as columns. P rows; the same id may stand in several."""

    id_P: list[str] = field(default_factory=list)
    person_P: list[str] = field(default_factory=list)
    """Whom the row shows: what the column ``person`` says, else the id without a final -1 or -2; 748 is 000748."""
    gender_P: list[int] = field(default_factory=list)
    age_years_P: list[int] = field(default_factory=list)
    origin_P: list[str] = field(default_factory=list)
    folder_P: list[str] = field(default_factory=list)
    line_P: list[int] = field(default_factory=list)

    @property
    def repeated_ids(self) -> list[str]:
        """Ids that stand in more than one row, sorted."""
        return sorted(id_ for id_, count in Counter(self.id_P).items() if count > 1)


def read_people(root: Path) -> tuple[People, list[DataProblem]]:
    """The rows of ``train.csv`` in its order, and every problem with its line.

    A gender or age may be ``Unknown``. One that is no such thing is taken as unknown, too, so that a check can go on;
    to train, refuse the problems first.
    """
    table, problems = sound_rows(root / TRAIN_CSV, TRAIN_CSV, ("id", "gender", "age", "path"))
    people = People()
    if not table.columns:
        return people, problems
    lines_of_folder: dict[str, int] = {}
    for row, line in enumerate(table.line_R):
        folder_faults = _folder_faults(table.columns["path"][row], line, lines_of_folder)
        problems += [DataProblem(TRAIN_CSV, line, fault) for fault in (*_row_faults(table, row), *folder_faults)]
        if not folder_faults:
            _append(people, table, row)
    longest: dict[str, str] = {}
    for person in sorted(people.person_P, key=len):
        longest[bare_id(person)] = person
    people.person_P[:] = [longest[bare_id(person)] for person in people.person_P]
    if not table.line_R and not problems:
        message = must("the file", "a list of one person or more", "no rows", "Add a row for each person.")
        problems.append(DataProblem(TRAIN_CSV, None, message))
    return people, sorted(problems, key=lambda problem: problem.line or 0)


def bare_id(id_: str) -> str:
    """``id_`` without leading zeros where it is a number: spreadsheets leave them out."""
    return id_.lstrip("0") if id_.isdecimal() else id_


def age_fault(text: str) -> str | None:
    """Why ``text`` is no age, or None."""
    if _AGE.fullmatch(text) and LOWEST_AGE_YEARS <= float(text) <= HIGHEST_AGE_YEARS:
        return None
    rule = f"a whole number of years from {LOWEST_AGE_YEARS} to {HIGHEST_AGE_YEARS}"
    return must("age", rule, text, "Correct the row.")


def gender_fault(text: str) -> str | None:
    """Why ``text`` is no gender, or None."""
    if text.lower() in GENDER_CODE:
        return None
    return must("gender", " or ".join(GENDER_CODE), text, "Correct the row.")


def _row_faults(table: CsvTable, row: int) -> list[str]:
    values = {name: column[row] for name, column in table.columns.items()}
    known = {name: text for name, text in values.items() if text.lower() != NOT_KNOWN.lower()}
    faults = [check(known[name]) for name, check in (("gender", gender_fault), ("age", age_fault)) if name in known]
    if not values["id"]:
        faults.insert(0, must("id", "the person's id", "", "Give each person one."))
    return [fault for fault in faults if fault]


def _folder_faults(folder: str, line: int, lines_of_folder: dict[str, int]) -> list[str]:
    if not is_plain_name(folder):
        return [must("path", "the name of a folder in train/images", folder, "Correct the row.")]
    first = lines_of_folder.setdefault(same_name(folder), line)
    if first == line:
        return []
    return [must("path", f"another folder than in line {first}", folder, "Give each row its own folder.")]


def _append(people: People, table: CsvTable, row: int) -> None:
    people.id_P.append(same_name(table.columns["id"][row]))
    person = table.columns["person"][row] if "person" in table.columns else ""
    people.person_P.append(same_name(person) or _SUFFIX.sub("", people.id_P[-1]))
    people.gender_P.append(GENDER_CODE.get(table.columns["gender"][row].lower(), UNKNOWN))
    age = table.columns["age"][row]
    people.age_years_P.append(UNKNOWN if age_fault(age) else int(float(age)))
    people.origin_P.append(table.columns["race"][row] if "race" in table.columns else "")
    people.folder_P.append(same_name(table.columns["path"][row]))
    people.line_P.append(table.line_R[row])
