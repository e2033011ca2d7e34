"""From a folder on disk to a table of photos."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskwise.data.layout import (
    EVAL_CSV,
    EVAL_IMAGES,
    MASK_OF_STEM,
    TRAIN_CSV,
    TRAIN_IMAGES,
    FolderListing,
    is_plain_name,
    list_folder,
    on_disk,
    photo_stem,
    photos_below,
)
from maskwise.data.people import People, read_people
from maskwise.data.photo_budget import READ
from maskwise.data.problems import DataProblem, examples, refuse, sound_rows
from maskwise.data.relabel import Swaps, correct, read_corrections
from maskwise.data.shards import is_sharded, open_shards
from maskwise.data.sources import describe_sources
from maskwise.errors import DataError, must
from maskwise.labels import UNKNOWN, Task
from maskwise.listeners import LEFT_OUT
from maskwise.records import PhotoTable, Strings
from maskwise.seen_files import no_note
from maskwise.tables import same_name


@dataclass(frozen=True)
class Manifest:
    """The photos of a data set, labeled, and what the reader noticed on the way."""

    root: Path
    table: PhotoTable
    notes: tuple[str, ...]
    """What is odd but was read all the same, one sentence each: for the user's eyes and the run's record."""


def read_train(root: Path, task: Task, corrections: Sequence[str | Path] = ()) -> Manifest:
    """Read the train part of a data set in the competition's layout, or in tar shards (see ``shards``).

    Photos stand in the order of ``train.csv``, those of a person by name. ``corrections`` are lists of wrong labels:
    paths of CSV files, or the word "consensus" for the shipped list (see ``relabel``). A person with missing photos
    is only noted. ``DataError`` with every bad row of ``train.csv`` and of the lists at once.
    """
    lists = read_corrections(corrections)
    if is_sharded(root):
        return _read_sharded(root, task, corrections)
    people, problems = read_people(root)
    folders = _person_folders(root, problems)
    refuse(problems)
    people, swaps, correction_notes = correct(people, lists)
    photos = _find_photos(root, people, folders, swaps)
    if not photos.path_N:
        rule = "the folder of the people in train.csv"
        raise DataError(must(str(root / TRAIN_IMAGES), rule, "no photo of any of them", "Check the folder."))
    notes = (*describe_sources(root), *_repeated_notes(people), *photos.notes(), *correction_notes)
    return Manifest(root, task.label(_table(people, photos)), notes)


def read_eval(root: Path, task: Task) -> PhotoTable:
    """The photos to predict in the order of ``eval/info.csv``; labels unknown, every photo its own person.

    ``DataError`` naming every row that has no photo, is not a photo's name or repeats one.
    """
    names, problems = eval_names(root)
    refuse(problems)
    written = on_disk(list_folder(root / EVAL_IMAGES).photos)
    photo_N = _strings([f"{EVAL_IMAGES}/{written[same_name(name)]}" for name, _ in names])
    return task.label(unlabeled(photo_N))


def read_folder(folder: Path, note: Callable[[str], None] = no_note) -> PhotoTable:
    """All photos below ``folder``, sorted; ``photo_N`` is the path below it, labels are unknown.

    Photos are known by their contents; what else lies there is counted and named in a note.
    """
    if not folder.is_dir():
        raise DataError(must(str(folder), "a folder of photos", "no folder", "Check the name."))
    found = photos_below(folder)
    left_out = f"left out ({len(found.left_out)}): {examples(found.left_out)}" if found.left_out else ""
    if not found.photos:
        got = f"no photo below it; {left_out}" if left_out else "no photo below it"
        raise DataError(must(str(folder), "a folder of photos", got, f"{READ} are read."))
    if left_out:
        note(left_out)
    return unlabeled(_strings(sorted(found.photos)))


def refuse_other_case(root: Path) -> None:
    """``DataError`` for a data set whose list of photos to predict is missing or bears another name.

    All photos below it, those of the train part among them, would be predicted instead.
    """
    if (root / EVAL_CSV).is_file():
        return
    folder, _, wanted = EVAL_CSV.partition("/")
    names = [f"{entry.name}" for entry in (root / folder).iterdir()] if (root / folder).is_dir() else []
    close = [name for name in names if name.lower() == wanted]
    if close or (root / TRAIN_CSV).is_file() or is_sharded(root):
        got = f"{folder}/{close[0]}" if close else "none of that name"
        remedy = f"Rename it to {wanted}." if close else f"Add it, or name a folder of photos, e.g. {EVAL_IMAGES}."
        raise DataError(must(f"the list {root / EVAL_CSV}", "there in a data set", got, remedy))


def eval_names(root: Path) -> tuple[list[tuple[str, int]], list[DataProblem]]:
    """The sound rows of ``eval/info.csv`` as (name, line), and the problems of the others."""
    table, problems = sound_rows(root / EVAL_CSV, EVAL_CSV, ("ImageID",))
    try:
        present = set(on_disk(list_folder(root / EVAL_IMAGES).photos))
    except DataError:
        message = must("the folder", "there", "no folder", "Copy the photos to predict into it.")
        return [], [*problems, DataProblem(EVAL_IMAGES, None, message)]
    sound: dict[str, int] = {}
    for name, line in zip(table.columns.get("ImageID", []), table.line_R, strict=True):
        fault = _eval_fault(name, sound, present)
        if fault:
            problems.append(DataProblem(EVAL_CSV, line, fault))
        else:
            sound[name] = line
    return list(sound.items()), sorted(problems, key=lambda problem: problem.line or 0)


def _eval_fault(name: str, sound: dict[str, int], present: set[str]) -> str | None:
    if not is_plain_name(name):
        return must("ImageID", f"the name of a photo in {EVAL_IMAGES}", name, "Correct the row.")
    if name in sound:
        return must("ImageID", "named once", f"{name}, also in line {sound[name]}", "Delete one of the rows.")
    if same_name(name) not in present:
        return must("ImageID", f"a photo in {EVAL_IMAGES}", name, "Copy the photo there, or delete the row.")
    return None


def _read_sharded(root: Path, task: Task, corrections: Sequence[str | Path]) -> Manifest:
    """The photos of tar shards, in their order there."""
    if corrections:
        got = ", ".join(map(str, corrections))
        raise DataError(must("data.corrections", "left out for a set in tar shards", got, "Correct the labels there."))
    shards = open_shards(root)
    refuse(shards.problems)
    if not shards.photos:
        raise DataError(
            must(str(root / "train"), "a folder of shards with photos", "none in them", "Check the shards.")
        )
    codes = {
        name: np.array([getattr(photo, name) for photo in shards.photos], dtype=np.int64)
        for name in ("mask", "gender", "age_years")
    }
    photo_N = _strings([photo.name for photo in shards.photos])
    table = dataclasses.replace(
        unlabeled(photo_N),
        person_N=_strings([photo.person for photo in shards.photos]),
        mask_N=codes["mask"],
        gender_N=codes["gender"],
        age_years_N=codes["age_years"],
    )
    return Manifest(root, task.label(table), tuple(describe_sources(root)))


def _person_folders(root: Path, problems: list[DataProblem]) -> dict[str, str]:
    try:
        return on_disk(list_folder(root / TRAIN_IMAGES).folders)
    except DataError:
        message = must("the folder", "there", "no folder", "Check the data set's folder that you named.")
        problems.append(DataProblem(TRAIN_IMAGES, None, message))
        return {}


@dataclass(frozen=True)
class _Photos:
    """Photos found on disk, with compact columns: a million of them cost their path strings and little else."""

    path_N: list[str] = field(default_factory=list)
    row_N: array[int] = field(default_factory=lambda: array("q"))
    mask_N: array[int] = field(default_factory=lambda: array("b"))
    unlisted: list[str] = field(default_factory=list)
    absent_folders: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        kinds = (
            (self.unlisted, f"{LEFT_OUT}: people whose folder cannot be listed"),
            (self.absent_folders, "people without a folder, left out"),
            (self.incomplete, "people with missing photos"),
            (self.skipped, "photos of unknown name, skipped"),
            (self.others, "files that are no photos or hidden, skipped"),
        )
        return [f"{what} ({len(who)}): {examples(who)}" for who, what in kinds if who]


def _find_photos(root: Path, people: People, folders: Mapping[str, str], swaps: Swaps) -> _Photos:
    photos = _Photos()
    for row, (id_, folder) in enumerate(zip(people.id_P, people.folder_P, strict=True)):
        if folder in folders:
            written = folders[folder]
            try:
                listing = list_folder(root / TRAIN_IMAGES / written)
            except DataError:
                photos.unlisted.append(written)
                continue
            _add_person(photos, row, written, listing, swaps.get(id_, {}))
        else:
            photos.absent_folders.append(folder)
    return photos


def _add_person(photos: _Photos, row: int, folder: str, listing: FolderListing, swap: dict[str, str]) -> None:
    seen = set()
    photos.others.extend(f"{TRAIN_IMAGES}/{folder}/{name}" for name in listing.not_read)
    for name in listing.photos:
        stem = photo_stem(name)
        path = f"{TRAIN_IMAGES}/{folder}/{name}"
        mask = MASK_OF_STEM.get(swap.get(stem, stem))
        if mask is None:
            photos.skipped.append(path)
            continue
        seen.add(stem)
        photos.path_N.append(path)
        photos.row_N.append(row)
        photos.mask_N.append(mask)
    missing = [stem for stem in MASK_OF_STEM if stem not in seen]
    if missing:
        photos.incomplete.append(f"{folder} ({', '.join(missing)})")


def _table(people: People, photos: _Photos) -> PhotoTable:
    row_N = np.array(photos.row_N, dtype=np.int64)
    unknown_N = np.full(len(row_N), UNKNOWN, dtype=np.int64)
    return PhotoTable(
        photo_N=_strings(photos.path_N),
        person_N=_strings(people.person_P)[row_N],
        mask_N=np.array(photos.mask_N, dtype=np.int64),
        gender_N=np.array(people.gender_P, dtype=np.int64)[row_N],
        age_years_N=np.array(people.age_years_P, dtype=np.int64)[row_N],
        origin_N=_strings(people.origin_P)[row_N],
        class_N=unknown_N,
        train_class_N=unknown_N,
    )


def unlabeled(photo_N: Strings) -> PhotoTable:
    """Photos of which only the names are known, each its own person."""
    unknown_N = np.full(len(photo_N), UNKNOWN, dtype=np.int64)
    return PhotoTable(
        photo_N=photo_N,
        person_N=photo_N,
        mask_N=unknown_N,
        gender_N=unknown_N,
        age_years_N=unknown_N,
        origin_N=np.full(len(photo_N), "", dtype=object),
        class_N=unknown_N,
        train_class_N=unknown_N,
    )


def _repeated_notes(people: People) -> list[str]:
    repeated = people.repeated_ids
    return (
        [f"ids in several rows, each taken as one person ({len(repeated)}): {examples(repeated)}"] if repeated else []
    )


def _strings(values: Sequence[str]) -> Strings:
    return np.array(values, dtype=object)
