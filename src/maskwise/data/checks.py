"""Every problem of a data set at once: what would be refused, what would spoil a training, what is worth a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.data.layout import (
    EVAL_CSV,
    EVAL_IMAGES,
    MASK_OF_STEM,
    TRAIN_CSV,
    TRAIN_IMAGES,
    FolderListing,
    list_folder,
    on_disk,
    photo_stem,
)
from maskwise.data.manifest import eval_names
from maskwise.data.people import People, read_people
from maskwise.data.photo_budget import READ
from maskwise.data.problems import DataProblem, Severity, sound_rows
from maskwise.data.readable import in_threads, look_into
from maskwise.data.relabel import Corrections, correct, read_corrections, unknown_ids
from maskwise.data.shards import bytes_of, is_sharded, open_shards
from maskwise.data.sources import SOURCES, read_sources
from maskwise.errors import DataError, must
from maskwise.labels import Task
from maskwise.tables import same_name


def _nothing(_: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo to look into: where it is, and who it is said to show."""

    path: str
    person: str


def check_data(
    root: Path,
    task: Task,
    threads: int | None = None,
    advance: Callable[[int], None] = _nothing,
    names_only: bool = False,
    corrections: Sequence[str | Path] = (),
) -> list[DataProblem]:
    """Look at all of a data set in the competition's layout and report every problem, sorted by file and line.

    Reads both CSV files, lists every folder and decodes every photo fully, in ``threads`` threads (one a core if not
    given). ``advance(n)`` is called after every n photos. With ``names_only`` no photo is opened: tables and names
    alone. ``corrections`` are lists of wrong labels (see ``relabel``). Raises nothing for a bad data set; ``DataError``
    for a bad list.
    """
    lists = read_corrections(corrections)
    train_problems, train_photos = _check_shards(root) if is_sharded(root) else _check_train(root, lists, names_only)
    eval_problems, eval_photos = _check_eval(root, task)
    photo_problems = [] if names_only else _check_photos(root, [*train_photos, *eval_photos], threads, advance)
    found = [*train_problems, *eval_problems, *photo_problems]
    return sorted(found, key=lambda problem: (problem.where, problem.line or 0, problem.message))


def _check_shards(root: Path) -> tuple[list[DataProblem], list[_Photo]]:
    shards = open_shards(root)
    return list(shards.problems), [_Photo(photo.name, photo.person) for photo in shards.photos]


def _check_train(root: Path, lists: Sequence[Corrections], names_only: bool) -> tuple[list[DataProblem], list[_Photo]]:
    people, problems = read_people(root)
    problems += unknown_ids(people, lists)
    found, photos = _check_people(root, correct(people, lists)[0], names_only)
    return [*problems, *found], photos


def _check_people(root: Path, people: People, names_only: bool) -> tuple[list[DataProblem], list[_Photo]]:
    try:
        images = list_folder(root / TRAIN_IMAGES)
    except DataError:
        message = must("the folder", "there", "no folder", "Check the data set's folder that you named.")
        return [DataProblem(TRAIN_IMAGES, None, message)], []
    problems = [*_repeated_ids(people), *_folders_without_row(images, people)]
    imported, source_problems = _is_imported(root)
    problems += source_problems
    photos = []
    present = on_disk(images.folders)
    for folder, person, line in zip(people.folder_P, people.person_P, people.line_P, strict=True):
        if folder not in present:
            message = must("path", "a folder in train/images", folder, "Copy the folder there, or delete the row.")
            problems.append(DataProblem(TRAIN_CSV, line, message))
            continue
        folder = present[folder]
        try:
            listing = list_folder(root / TRAIN_IMAGES / folder)
        except DataError as error:
            problems.append(DataProblem(f"{TRAIN_IMAGES}/{folder}", None, str(error)))
            continue
        problems += _check_names(f"{TRAIN_IMAGES}/{folder}", listing, imported)
        if not names_only:  # millions of paths take gigabytes
            photos += [_Photo(f"{TRAIN_IMAGES}/{folder}/{name}", person) for name in listing.photos]
    return problems, photos


def _is_imported(root: Path) -> tuple[bool, list[DataProblem]]:
    """Whether an import wrote the set: a person of one photo is then nothing missing."""
    try:
        return bool(read_sources(root)), []
    except DataError as error:
        return False, [DataProblem(SOURCES, None, str(error))]


def _repeated_ids(people: People) -> list[DataProblem]:
    problems = []
    repeated, first_line = set(people.repeated_ids), dict[str, int]()
    for id_, line in zip(people.id_P, people.line_P, strict=True):
        first = first_line.setdefault(id_, line)
        if id_ in repeated and first != line:
            got = f"{id_}, also in line {first}"
            message = must("id", "named once", got, "Both rows count as one person; correct it if they are two.")
            problems.append(DataProblem(TRAIN_CSV, line, message, "warning"))
    return problems


def _folders_without_row(images: FolderListing, people: People) -> list[DataProblem]:
    message = must("the folder", f"the path of a row in {TRAIN_CSV}", "no row", "Add the row, or delete the folder.")
    unnamed = sorted(set(on_disk(images.folders)) - set(people.folder_P))
    return [DataProblem(f"{TRAIN_IMAGES}/{folder}", None, message, "warning") for folder in unnamed]


def _check_names(where: str, listing: FolderListing, imported: bool) -> list[DataProblem]:
    """Missing, unknown and ambiguous photos in a person's folder; where ``imported``, one photo is enough."""
    problems = []
    names_of = defaultdict(list)
    for name in listing.photos:
        names_of[photo_stem(name)].append(name)
    missing = [stem for stem in MASK_OF_STEM if stem not in names_of]
    if missing and not (imported and len(names_of) == 1):
        rule = f"of {len(MASK_OF_STEM)} photos"
        message = must("a person", rule, f"none of the name {', '.join(missing)}", "Copy the missing photos.")
        problems.append(DataProblem(where, None, message))
    known = ", ".join(MASK_OF_STEM)
    for stem, names in names_of.items():
        if stem not in MASK_OF_STEM:
            message = must("a photo's name", f"one of {known}", names[0], "Rename or delete it; it is skipped.")
            problems += [DataProblem(f"{where}/{name}", None, message) for name in names]
        elif len(names) > 1:
            message = must(f"photo {stem}", "there once", ", ".join(names), "Keep one of them; all are used.")
            problems.append(DataProblem(where, None, message, "warning"))
    return [*problems, *_not_read(where, listing)]


def _not_read(where: str, listing: FolderListing) -> list[DataProblem]:
    remedy = "Convert, rename or delete it; it is skipped."
    return [
        DataProblem(
            f"{where}/{name}", None, must("a file here", f"a photo ({READ}), not hidden", name, remedy), "warning"
        )
        for name in listing.not_read
    ]


def _check_eval(root: Path, task: Task) -> tuple[list[DataProblem], list[_Photo]]:
    if not (root / "eval").exists():
        message = must("the folder", "there to predict from", "no folder", "Without it the set can only train.")
        return [DataProblem("eval", None, message, "warning")], []
    sound, problems = eval_names(root)
    problems += _bad_classes(root, task)
    try:
        listing = list_folder(root / EVAL_IMAGES)
    except DataError:
        # `eval_names` has said so already.
        return problems, []
    present = listing.photos
    problems += _not_read(EVAL_IMAGES, listing)
    named = {same_name(name) for name, _ in sound}
    message = must("the photo", f"named in {EVAL_CSV}", "no row", "Add a row, or delete the photo.")
    problems += [
        DataProblem(f"{EVAL_IMAGES}/{name}", None, message) for name in present if same_name(name) not in named
    ]
    return problems, [_Photo(f"{EVAL_IMAGES}/{name}", name) for name in present]


def _bad_classes(root: Path, task: Task) -> list[DataProblem]:
    # Problems of the rows themselves are found by `eval_names`; a missing column is only missed here.
    table, _ = sound_rows(root / EVAL_CSV, EVAL_CSV, ("ImageID",))
    if not table.columns:
        return []
    if "ans" not in table.columns:
        message = must("columns", "ImageID, ans", ", ".join(table.columns), "Add the column ans, filled with 0.")
        return [DataProblem(EVAL_CSV, 1, message)]
    legal = {str(code) for code in range(task.n_classes)}
    rule = f"a class from 0 to {task.n_classes - 1} (0 where unknown)"
    return [
        DataProblem(EVAL_CSV, line, must("ans", rule, word, "Correct the row."))
        for word, line in zip(table.columns["ans"], table.line_R, strict=True)
        if word not in legal
    ]


def _check_photos(
    root: Path, photos: Sequence[_Photo], threads: int | None, advance: Callable[[int], None]
) -> list[DataProblem]:
    problems = []
    photos_of: dict[str, list[_Photo]] = defaultdict(list)
    read = bytes_of(root)
    found = in_threads(lambda photo: look_into(read, photo.path), photos, threads)
    for photo, (content, fault) in zip(photos, found, strict=True):
        if fault is not None:
            problems.append(DataProblem(photo.path, None, fault))
        if content is not None:
            photos_of[content].append(photo)
        advance(1)
    return [*problems, *_same_files(photos_of.values())]


def _same_files(groups: Iterable[Sequence[_Photo]]) -> list[DataProblem]:
    """The same file under several names: under two people of the train part their labels cannot both be right."""
    problems = []
    for first, *others in groups:
        for other in others:
            both_train = first.path.startswith("train/") and other.path.startswith("train/")
            severity: Severity = "error" if both_train and first.person != other.person else "warning"
            message = must("the photo", "another than the rest", f"a copy of {first.path}", "Keep the right one.")
            problems.append(DataProblem(other.path, None, message, severity))
    return problems
