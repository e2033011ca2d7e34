"""The leaderboard: computed from the run folders, best held-out macro F1 first."""

from __future__ import annotations

import dataclasses
import json
import math
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import StoreError
from maskwise.store.marks import NO_MARKS, Marks, read_marks
from maskwise.store.run_record import RunData, RunRecord, ScoreSummary
from maskwise.store.runs import StoredRun, list_runs
from maskwise.store.submissions import best_by_run, read_submissions

_SORTED = json.JSONEncoder(sort_keys=True)

RunFilter = Callable[[RunRecord, Marks], bool]
"""Whether a run is to stand on the board."""


@dataclass(frozen=True)
class BoardRow:
    """One finished run on the board."""

    rank: int
    """From 1 within its group."""
    group: str
    """Equal for runs that may be ranked together: the same data, attributes and age borders."""
    heading: str
    """What the group's runs have in common, for people."""
    people: str
    """"" where all runs of the group held the same people out; else a letter, equal for equal people."""
    record: RunRecord
    scores: ScoreSummary
    marks: Marks
    leaderboard_macro_f1: float = math.nan
    """The best that the public leaderboard reported for a submission of the run; NaN where there is none."""


@dataclass(frozen=True)
class Board:
    """What ``maskwise board`` shows."""

    rows: tuple[BoardRow, ...]
    """Grouped; the group with most runs first, best run first within a group."""
    unfinished: tuple[StoredRun, ...]
    skipped: tuple[str, ...]
    """One line for each folder of the store that is no readable run."""
    unscored: tuple[RunRecord, ...] = ()
    """Finished runs that held nobody out, and so have no score."""
    damaged_marks: tuple[str, ...] = ()
    """One line for each run whose tags and notes are damaged."""


def read_board(store: Path, choice: RunFilter | None = None) -> Board:
    """The board of a store, of all its runs or those of ``choice``; reads every run.json and marks, nothing else."""
    listing = list_runs(store)
    marks, damaged = _marks_of(listing.runs)
    unfinished = tuple(run for run in listing.runs if run.record.status != "finished")
    best = best_by_run(read_submissions(store).submissions)
    rows = [
        dataclasses.replace(row, leaderboard_macro_f1=best.get(row.record.run_id, math.nan))
        for row in board_rows((run.record for run in listing.runs), marks, choice)
    ]
    unscored = tuple(r for _, r in listing.runs if r.status == "finished" and r.scores is None)
    return Board(tuple(rows), unfinished, listing.skipped, unscored, damaged)


def _marks_of(runs: Sequence[StoredRun]) -> tuple[dict[str, Marks], tuple[str, ...]]:
    """The marks of all runs by id, and a line for each that is damaged: such a run has none."""
    marks, damaged = {}, []
    for folder, record in runs:
        try:
            marks[record.run_id] = read_marks(folder, record.run_id)
        except StoreError as error:
            damaged.append(error.problems[0])
    return marks, tuple(damaged)


def board_rows(
    records: Iterable[RunRecord], marks: Mapping[str, Marks] | None = None, choice: RunFilter | None = None
) -> list[BoardRow]:
    """The finished runs among ``records``, best held-out macro F1 first within each group; equals by age.

    ``marks`` are by run id. Runs that ``choice`` leaves out have no rank, but ensembles still find their members.
    """
    by_id = {record.run_id: record for record in records}
    marks = marks or {}
    groups: dict[str, list[tuple[RunRecord, ScoreSummary]]] = {}
    for record in by_id.values():
        if record.status != "finished" or record.scores is None:
            continue
        if choice is None or choice(record, marks.get(record.run_id, NO_MARKS)):
            groups.setdefault(_group(record.data, record.scores), []).append((record, record.scores))
    rows: list[BoardRow] = []
    for group in sorted(groups, key=lambda key: (-len(groups[key]), key)):
        members = sorted(groups[group], key=lambda pair: (_worst_last(pair[1]), pair[0].created, pair[0].run_id))
        heading = _heading(*members[0])
        letters = _letters([people_held_out(record, by_id) for record, _ in members])
        rows += [
            BoardRow(rank, group, heading, letter, record, scores, marks.get(record.run_id, NO_MARKS))
            for rank, (letter, (record, scores)) in enumerate(zip(letters, members, strict=True), start=1)
        ]
    return rows


def people_held_out(record: RunRecord, by_id: Mapping[str, RunRecord]) -> str:
    """Equal for runs on one data set that scored the same people, as far as records say.

    All people are all people. Otherwise the split's settings decide, its seed included; an ensemble held out whom its
    members did.
    """
    if record.n_held_out_people == record.data.n_people:
        return "all"
    joined = record.recipe.get("ensemble")
    if isinstance(joined, dict):
        members = [by_id[run_id] for run_id in joined.get("members", ()) if run_id in by_id]
        return people_held_out(members[0], by_id) if members else record.run_id
    return _SORTED.encode(record.recipe.get("split"))


def _letters(people: list[str]) -> list[str]:
    """A letter for each of the sets of people, the commonest first; "" where all are the same."""
    sets = [each for each, _ in Counter(people).most_common()]
    if len(sets) < 2:
        return [""] * len(people)
    name_of = {each: _letter(place) for place, each in enumerate(sets)}
    return [name_of[each] for each in people]


def _letter(place: int) -> str:
    """a … z, then a2, b2 …"""
    again, letter = divmod(place, len(string.ascii_lowercase))
    return string.ascii_lowercase[letter] + (str(again + 1) if again else "")


def _worst_last(scores: ScoreSummary) -> float:
    return math.inf if math.isnan(scores.macro_f1.value) else -scores.macro_f1.value


def _group(data: RunData, scores: ScoreSummary) -> str:
    return "/".join([data.checksum, *scores.attribute_accuracy, *map(str, scores.age_borders_years)])


def _heading(record: RunRecord, scores: ScoreSummary) -> str:
    data = record.data
    borders = " and ".join(map(str, scores.age_borders_years))
    task = " × ".join(scores.attribute_accuracy) + (f" (age borders {borders})" if borders else "")
    return f"{data.name}: {data.n_photos:,} photos of {data.n_people:,} people, data {data.checksum[:8]}, {task}"
