"""Lists of wrong labels and their corrections, applied to ``train.csv`` before anything is labelled.

A list is a CSV file with the columns ``id,attribute,value``. The id is written exactly as in ``train.csv``.

| attribute | value                                     | meaning                                        |
|-----------|-------------------------------------------|------------------------------------------------|
| gender    | male or female                            | the person's gender                            |
| age       | whole years, 1 to 120                     | the person's age; 29 for "should be under 30"  |
| photos    | swap <photo> <photo>, e.g. swap incorrect_mask normal | the two photos bear each other's name |

The folder's name keeps saying the old label: the CSV row is the source of truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.data.config import CONSENSUS
from maskwise.data.layout import GENDER_OF_WORD, MASK_OF_STEM
from maskwise.data.people import People, age_fault, gender_fault
from maskwise.data.problems import Problem, examples, refuse, sound_rows
from maskwise.errors import must, nearest

Swaps = dict[str, dict[str, str]]
"""For each id: the name that a photo ought to bear, by the name that it bears."""


@dataclass(frozen=True)
class Corrections:
    """One list of corrections, read and found sound."""

    name: str
    gender_of_id: dict[str, int] = field(default_factory=dict)
    age_years_of_id: dict[str, int] = field(default_factory=dict)
    swaps: Swaps = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The id of every row, so an id with two corrections stands twice."""
        return [*self.gender_of_id, *self.age_years_of_id, *self.swaps]


def read_corrections(lists: Sequence[str | Path]) -> list[Corrections]:
    """Read correction lists: paths of CSV files, or the word "consensus". ``DataError`` with every bad row's line."""
    read = [_read_list(entry) for entry in lists]
    refuse([problem for _, problems in read for problem in problems])
    return [corrections for corrections, _ in read]


def correct(people: People, lists: Sequence[Corrections]) -> tuple[People, Swaps, list[str]]:
    """``people`` as the lists say, the photos to swap, and a note on each list. A later list overrules an earlier."""
    gender_of_id: dict[str, int] = {}
    age_years_of_id: dict[str, int] = {}
    swaps: Swaps = {}
    for corrections in lists:
        gender_of_id |= corrections.gender_of_id
        age_years_of_id |= corrections.age_years_of_id
        swaps |= corrections.swaps
    corrected = dataclasses.replace(
        people,
        gender_P=[gender_of_id.get(id_, old) for id_, old in zip(people.id_P, people.gender_P, strict=True)],
        age_years_P=[age_years_of_id.get(id_, old) for id_, old in zip(people.id_P, people.age_years_P, strict=True)],
    )
    return corrected, swaps, [note for corrections in lists for note in _notes(corrections, set(people.id_P))]


def _notes(corrections: Corrections, known: set[str]) -> list[str]:
    found = sum(id_ in known for id_ in corrections.ids)
    notes = [f"corrections {corrections.name}: {found} of {len(corrections.ids)} rows applied"]
    missing = sorted(set(corrections.ids) - known)
    if missing:
        notes.append(f"corrections {corrections.name}: ids not found: {examples(missing, 20)}")
    return notes


def _read_list(entry: str | Path) -> tuple[Corrections, list[Problem]]:
    shipped = Path(__file__).parent / "corrections" / f"{CONSENSUS}.csv"
    path = shipped if entry == CONSENSUS else Path(entry)
    corrections = Corrections(str(entry))
    table, problems = sound_rows(path, str(entry), ("id", "attribute", "value"))
    if not table.columns:
        return corrections, problems
    rows = zip(*(table.columns[name] for name in ("id", "attribute", "value")), table.line_R, strict=True)
    for id_, attribute, value, line in rows:
        fault = _take_row(corrections, id_, attribute, value)
        if fault:
            problems.append(Problem(str(entry), line, fault))
    return corrections, sorted(problems, key=lambda problem: problem.line or 0)


def _take_row(corrections: Corrections, id_: str, attribute: str, value: str) -> str | None:
    """Enter one row, or say why it cannot be."""
    tables: dict[str, Collection[str]] = {
        "gender": corrections.gender_of_id,
        "age": corrections.age_years_of_id,
        "photos": corrections.swaps,
    }
    if not id_:
        return must("id", "the id of a person as in train.csv", id_, "Fill it in.")
    if attribute not in tables:
        return must("attribute", "gender, age or photos", attribute, nearest(attribute, tables))
    if id_ in tables[attribute]:
        return must("id", f"named once for {attribute}", f"{id_} again", "Delete one of the rows.")
    match attribute:
        case "gender":
            if not (fault := gender_fault(value)):
                corrections.gender_of_id[id_] = GENDER_OF_WORD[value.lower()]
        case "age":
            if not (fault := age_fault(value)):
                corrections.age_years_of_id[id_] = int(value)
        case _:
            if not (fault := _swap_fault(value)):
                _, one, other = value.split()
                corrections.swaps[id_] = {one: other, other: one}
    return fault


def _swap_fault(value: str) -> str | None:
    words = value.split()
    if len(words) == 3 and words[0] == "swap" and words[1] != words[2] and set(words[1:]) <= set(MASK_OF_STEM):
        return None
    remedy = f"For example: swap incorrect_mask normal. Photos: {', '.join(MASK_OF_STEM)}."
    return must("value", "swap and the names of two photos", value, remedy)
