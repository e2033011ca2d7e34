"""Lists of wrong labels and their corrections, applied to ``train.csv`` before anything is labeled.

A list is a CSV file with the columns ``id,attribute,value``. The id is written as in ``train.csv``; leading zeros
may be missing.

| attribute | value                                     | meaning                                        |
|-----------|-------------------------------------------|------------------------------------------------|
| gender    | male or female                            | the person's gender                            |
| age       | whole years, 1 to 120                     | the person's age; 29 for "should be under 30"  |
| photos    | swap <photo> <photo>, e.g. swap incorrect_mask normal | the two photos bear each other's name |
| person    | same as <id>, e.g. same as 000812         | both ids are one person, whom no split parts |

A list may have the column ``accept``: then only rows that say yes there are applied. ``data audit`` writes such lists,
with no in every row. Other columns are for people to read.

The folder's name keeps saying the old label: the CSV row is the source of truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.data.config import CONSENSUS
from maskwise.data.layout import GENDER_CODE, MASK_OF_STEM
from maskwise.data.people import People, age_fault, bare_id, gender_fault
from maskwise.data.problems import DataProblem, examples, refuse, sound_rows
from maskwise.errors import must, nearest
from maskwise.files import at_home
from maskwise.tables import same_name

Swaps = dict[str, dict[str, str]]
"""For each id: the name that a photo ought to bear, by the name that it bears."""


@dataclass(frozen=True)
class Corrections:
    """One list of corrections, read and found sound."""

    name: str
    gender_of_id: dict[str, int] = field(default_factory=dict)
    age_years_of_id: dict[str, int] = field(default_factory=dict)
    swaps: Swaps = field(default_factory=dict)
    same_people: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of ids that are one person."""

    @property
    def ids(self) -> list[tuple[str, ...]]:
        """The id of every row, two where it names two; so an id with two corrections stands twice."""
        rows = [*self.gender_of_id, *self.age_years_of_id, *self.swaps]
        return [*((id_,) for id_ in rows), *self.same_people]


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
    same_people: list[tuple[str, str]] = []
    lists = [_named_as(corrections, people.id_P) for corrections in lists]
    for corrections in lists:
        same_people += corrections.same_people
        gender_of_id |= corrections.gender_of_id
        age_years_of_id |= corrections.age_years_of_id
        swaps |= corrections.swaps
    corrected = dataclasses.replace(
        people,
        person_P=_joined(people, same_people),
        gender_P=[gender_of_id.get(id_, old) for id_, old in zip(people.id_P, people.gender_P, strict=True)],
        age_years_P=[age_years_of_id.get(id_, old) for id_, old in zip(people.id_P, people.age_years_P, strict=True)],
    )
    return corrected, swaps, [note for corrections in lists for note in _notes(corrections, set(people.id_P))]


def unknown_ids(people: People, lists: Sequence[Corrections]) -> list[DataProblem]:
    """A warning for each list that names ids which are not in ``train.csv``."""
    named = [_named_as(corrections, people.id_P) for corrections in lists]
    missing_of = {corrections.name: _missing(corrections, set(people.id_P)) for corrections in named}
    remedy = "Correct or delete their rows; they are skipped."
    return [
        DataProblem(name, None, must("ids", "of people in train.csv", examples(missing, 20), remedy), "warning")
        for name, missing in missing_of.items()
        if missing
    ]


def _named_as(corrections: Corrections, ids: Sequence[str]) -> Corrections:
    """The same list with its ids as they are written in ``ids``."""
    written = {bare_id(id_): id_ for id_ in ids} | {id_: id_ for id_ in ids}

    def name(id_: str) -> str:
        return written.get(id_) or written.get(bare_id(id_), id_)

    return Corrections(
        corrections.name,
        {name(id_): code for id_, code in corrections.gender_of_id.items()},
        {name(id_): years for id_, years in corrections.age_years_of_id.items()},
        {name(id_): swap for id_, swap in corrections.swaps.items()},
        [(name(one), name(other)) for one, other in corrections.same_people],
    )


def _missing(corrections: Corrections, known: set[str]) -> list[str]:
    return sorted({id_ for ids in corrections.ids for id_ in ids} - known)


def _notes(corrections: Corrections, known: set[str]) -> list[str]:
    found = sum(known.issuperset(ids) for ids in corrections.ids)
    notes = [f"corrections {corrections.name}: {found} of {len(corrections.ids)} rows applied"]
    missing = _missing(corrections, known)
    if missing:
        notes.append(f"corrections {corrections.name}: ids not found: {examples(missing, 20)}")
    return notes


def _joined(people: People, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Who each row shows once the pairs of ids are one person: the first of all their names, in order of the alphabet.

    Pairs whose other id is not in the table join nothing.
    """
    person_of_id: dict[str, list[str]] = {}
    for id_, person in zip(people.id_P, people.person_P, strict=True):
        person_of_id.setdefault(id_, []).append(person)
    above: dict[str, str] = {}

    def top(person: str) -> str:
        while person in above:
            person = above[person]
        return person

    for pair in pairs:
        if all(id_ in person_of_id for id_ in pair):
            names = sorted({top(person) for id_ in pair for person in person_of_id[id_]})
            above |= dict.fromkeys(names[1:], names[0])
    return [top(person) for person in people.person_P]


def _read_list(entry: str | Path) -> tuple[Corrections, list[DataProblem]]:
    shipped = Path(__file__).parent / "corrections" / f"{CONSENSUS}.csv"
    path = shipped if entry == CONSENSUS else at_home(entry)
    corrections = Corrections(str(entry))
    table, problems = sound_rows(path, str(entry), ("id", "attribute", "value"))
    if not table.columns:
        return corrections, problems
    accepted_R = table.columns.get("accept", ["yes"] * len(table.line_R))
    rows = zip(*(table.columns[name] for name in ("id", "attribute", "value")), accepted_R, table.line_R, strict=True)
    for id_, attribute, value, accepted, line in rows:
        if accepted.lower() == "no":
            continue
        fault = _accept_fault(accepted) or _take_row(corrections, same_name(id_), attribute, same_name(value))
        if fault:
            problems.append(DataProblem(str(entry), line, fault))
    return corrections, sorted(problems, key=lambda problem: problem.line or 0)


def _take_row(corrections: Corrections, id_: str, attribute: str, value: str) -> str | None:
    """Enter one row, or say why it cannot be."""
    tables: dict[str, Collection[str]] = {
        "gender": corrections.gender_of_id,
        "age": corrections.age_years_of_id,
        "photos": corrections.swaps,
        "person": (),  # an id may be the same as several others
    }
    if not id_:
        return must("id", "the id of a person as in train.csv", id_, "Fill it in.")
    if attribute not in tables:
        return must("attribute", "gender, age, photos or person", attribute, nearest(attribute, tables))
    if id_ in tables[attribute]:
        return must("id", f"named once for {attribute}", f"{id_} again", "Delete one of the rows.")
    match attribute:
        case "gender":
            if not (fault := gender_fault(value)):
                corrections.gender_of_id[id_] = GENDER_CODE[value.lower()]
        case "age":
            if not (fault := age_fault(value)):
                corrections.age_years_of_id[id_] = int(float(value))
        case "person":
            if not (fault := _same_person_fault(id_, value)):
                corrections.same_people.append((id_, value.split()[2]))
        case _:
            if not (fault := _swap_fault(value)):
                _, one, other = value.split()
                corrections.swaps[id_] = {one: other, other: one}
    return fault


def _accept_fault(text: str) -> str | None:
    if text.lower() == "yes":
        return None
    return must("accept", "yes or no", text, "Say yes to apply the row, no to leave it out.")


def _same_person_fault(id_: str, value: str) -> str | None:
    words = value.split()
    if len(words) == 3 and words[:2] == ["same", "as"] and words[2] != id_:
        return None
    return must("value", "same as and another id", value, "For example: same as 000812.")


def _swap_fault(value: str) -> str | None:
    words = value.split()
    if len(words) == 3 and words[0] == "swap" and words[1] != words[2] and set(words[1:]) <= set(MASK_OF_STEM):
        return None
    remedy = f"For example: swap incorrect_mask normal. Photos: {', '.join(MASK_OF_STEM)}."
    return must("value", "swap and the names of two photos", value, remedy)
