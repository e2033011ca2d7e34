"""The data set that an import writes: a folder a person, train.csv, the sources and the report.

A person's folder is written under a temporary name and renamed, so what is there is whole and need not be made again.
``train.csv`` is replaced at the end of a source, hence people of a half-finished import count for nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.data.importing.ages import age_number, is_bin
from maskwise.data.importing.faces import ImportedFace, Rejected
from maskwise.data.layout import NOT_KNOWN, TRAIN_CSV, TRAIN_IMAGES, is_plain_name, list_folder
from maskwise.data.sources import Source, read_sources, write_sources
from maskwise.errors import DataError, StoreError, must, printable
from maskwise.files import TEMPORARY_PREFIX, write_atomically
from maskwise.tables import csv_text, read_csv

REPORT = "import-report.csv"
COLUMNS = ("id", "gender", "race", "age", "path", "person", "source", "file", "age_low", "age_high")
REPORT_COLUMNS = ("source", "file", "line", "reason", "what_to_do")
NAME_DIGITS = 12
LONGEST_ID = 60

Files = Mapping[str, bytes | Path]
"""A person's photos by file name: the content, or the file to link to."""


@dataclass(frozen=True)
class ImportedPerson:
    """A face under the names that it gets in the data set."""

    face: ImportedFace
    id: str
    person: str
    """Equal for all rows that show one person."""

    @property
    def folder(self) -> str:
        """The folder of the photos, named as in the competition."""
        return f"{self.id}_{self.face.gender}_{NOT_KNOWN}_{_age_cell(self.face)}"

    @property
    def number(self) -> int:
        """A number that only depends on the source's name and the photo's: the position of its generator."""
        return int(_digest(self.id), 16)


class ImportTarget:
    """A data set that takes over one source; to be used with its lock held."""

    def __init__(self, root: Path, source: Source) -> None:
        self.root, self.source = root, source
        known = read_sources(root)
        self.before = next((entry for entry in known if entry.name == source.name), None)
        self.known = known if self.before else [*known, source]
        """In the order in which they were first imported, which the rows of all tables follow."""

    def begin(self, people: Sequence[ImportedPerson], force: bool) -> None:
        """Take up an import of the same request where it stopped, or begin it.

        ``StoreError`` when the source was imported by another request; ``force`` then removes what was taken over
        from it, and what lies in the way of ``people``.
        """
        if self.before is not None and (force or self.before.request != self.source.request):
            if not force:
                raise StoreError(_other_request(self.root, self.before, self.source))
            self._forget(people)
        self._note_source(self.source)  # first, so that a kill leaves a folder that is known as ours
        images = self.root / TRAIN_IMAGES
        images.mkdir(parents=True, exist_ok=True)
        for leftover in images.glob(f"{TEMPORARY_PREFIX}*"):
            shutil.rmtree(leftover)

    def done(self) -> frozenset[str]:
        """The folders of people that are there."""
        return frozenset(list_folder(self.root / TRAIN_IMAGES).folders)

    def write_person(self, person: ImportedPerson, files: Files) -> None:
        """Write a person's photos, all or none."""
        images = self.root / TRAIN_IMAGES
        fresh = images / f"{TEMPORARY_PREFIX}{person.folder}"
        fresh.mkdir()
        for name, content in files.items():
            if isinstance(content, Path):
                (fresh / name).symlink_to(content.resolve())
            else:
                (fresh / name).write_bytes(content)
        fresh.replace(images / person.folder)

    def finish(self, people: Sequence[ImportedPerson], rejected: Sequence[Rejected], photos: int) -> Source:
        """Write train.csv, the report and what came of the source; returns the latter."""
        source = dataclasses.replace(
            self.source,
            finished=True,
            people=len(people),
            photos=photos,
            rejected=len(rejected),
            age_is_bin=any(is_bin(person.face.age_years) for person in people),
        )
        self._write_table(TRAIN_CSV, COLUMNS, [_row(person, source.name) for person in people])
        self.write_report(rejected)
        self._note_source(source)
        return source

    def write_report(self, rejected: Sequence[Rejected]) -> None:
        """List what could not be taken over, beside what other sources left out."""
        name = self.source.name
        lines = [
            tuple(map(printable, (name, r.where, "" if r.line is None else str(r.line), r.reason, r.remedy)))
            for r in rejected
        ]
        self._write_table(REPORT, REPORT_COLUMNS, lines)

    def _note_source(self, source: Source) -> None:
        write_sources(self.root, [source if entry.name == source.name else entry for entry in self.known])

    def _write_table(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """This source's rows and those of the others, in the order of the sources."""
        place_of = {entry.name: place for place, entry in enumerate(self.known)}
        mine = columns.index("source")
        everything = sorted([*self._rows_of_others(table, columns), *rows], key=lambda row: place_of[str(row[mine])])
        write_atomically(self.root / table, csv_text([columns, *everything]))

    def _rows_of_others(self, table: str, columns: Sequence[str]) -> list[Sequence[object]]:
        path = self.root / table
        if not path.exists():
            return []
        cells = read_csv(path, columns).columns
        rows = zip(*(cells[name] for name in columns), strict=True)
        mine = columns.index("source")
        return [list(row) for row in rows if row[mine] != self.source.name]

    def _forget(self, people: Sequence[ImportedPerson]) -> None:
        """Remove what was taken over from this source, the table's rows first."""
        rows, table = self._rows_of_others(TRAIN_CSV, COLUMNS), self.root / TRAIN_CSV
        gone = {person.folder for person in people}
        if table.exists():
            gone |= set(read_csv(table, COLUMNS).columns["path"])
            self._write_table(TRAIN_CSV, COLUMNS, [])
        for folder in (gone - {row[COLUMNS.index("path")] for row in rows}) & self.done():
            shutil.rmtree(self.root / TRAIN_IMAGES / folder)


def name_people(faces: Sequence[ImportedFace], source_name: str, keep_ids: bool) -> list[ImportedPerson]:
    """Ids for faces: the source's name and a hash of the photo's path, so the same whatever else the source holds.

    With ``keep_ids`` the source's own ids stand as they are; without, they follow the source's name.
    """
    people = []
    for face in faces:
        hint = face.id_hint if is_plain_name(face.id_hint) and len(face.id_hint) <= LONGEST_ID else ""
        id_ = hint if hint and keep_ids else f"{source_name}-{hint or _digest(face.where)}"
        identity = face.identity if hint and keep_ids else f"{source_name}-{_digest(face.identity)}"
        people.append(ImportedPerson(face, id_, identity if face.identity else id_))
    return people


def refuse_doubled(people: Sequence[ImportedPerson]) -> None:
    """``DataError`` when two rows would share a folder."""
    doubled = [folder for folder, count in Counter(person.folder for person in people).items() if count > 1]
    if doubled:
        rule = "of one row for each gender and age"
        raise DataError([must("an id", rule, folder, "Give the rows different ids.") for folder in doubled])


def _digest(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(data, digest_size=NAME_DIGITS // 2).hexdigest()


def _age_cell(face: ImportedFace) -> str:
    return NOT_KNOWN if face.age_years is None else str(age_number(face.age_years))


def _row(person: ImportedPerson, source_name: str) -> tuple[object, ...]:
    face, where = person.face, printable(person.face.where)
    # Where people come from is never read from a source.
    known = (person.id, face.gender, NOT_KNOWN, _age_cell(face), person.folder, person.person)
    return (*known, source_name, where, *(face.age_years or ("", "")))


def refuse_strange_folder(root: Path) -> None:
    """``StoreError`` for a folder with something in it that no import has written."""
    if root.exists() and not root.is_dir():
        raise StoreError(must(str(root), "a folder, or missing", "a file", "Choose another name."))
    if root.is_dir() and not read_sources(root) and any(not entry.name.startswith(".") for entry in root.iterdir()):
        got = "a folder with other files in it"
        raise StoreError(must(str(root), "missing, empty or made by an import", got, "Choose another folder."))


def _other_request(root: Path, before: Source, now: Source) -> str:
    changed = [name for name, value in now.request.items() if before.request[name] != value]
    changes = ", ".join(f"{name} was {before.request[name]!r}, is {now.request[name]!r}" for name in changed)
    return (
        f"the source {now.name!r} of {root} was imported in another way: {changes}. "
        "Give it another --source-name, or add --force to import it anew."
    )
