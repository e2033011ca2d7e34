"""Take over faces from a public or own set into the competition's layout, masks drawn on where they have none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from maskwise.data.contents import content_of
from maskwise.data.importing.build import build_reader
from maskwise.data.importing.choose import choose_faces, draw_some, refuse_empty
from maskwise.data.importing.config import TableWords
from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Rejected
from maskwise.data.importing.formats import LICENSES, ImportFormat
from maskwise.data.importing.target import (
    Files,
    ImportedPerson,
    ImportTarget,
    name_people,
    refuse_doubled,
    refuse_strange_folder,
)
from maskwise.data.layout import PHOTO_SUFFIXES, TRAIN_IMAGES, list_folder, photo_stem
from maskwise.data.pixels import decode_photo
from maskwise.data.readable import in_threads
from maskwise.data.sources import AS_THEY_ARE, BARE, Source
from maskwise.errors import DataError, UserError, must
from maskwise.files import locked
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.seeds import rng_for
from maskwise.workflows.draw_import import draw_files


@dataclass(frozen=True)
class ImportRequest:
    """What is to be taken over, and how."""

    kind: ImportFormat
    source: Path
    out: Path
    words: TableWords = field(default_factory=TableWords)
    min_age_years: int = 18
    draw_masks: bool = True
    link: bool = False
    seed: int = 0
    source_name: str = ""
    """"" for the format's name."""
    license: str = ""
    limit: int | None = None
    force: bool = False


class _Outcome(NamedTuple):
    """What became of one person: how many photos are there now, and what was rejected."""

    person: ImportedPerson
    photos: int
    rejected: tuple[Rejected, ...]


def import_faces(request: ImportRequest, listener: Listener) -> Source:
    """Import a source; returns what came of it. What cannot be used stands in the report, with reason and remedy.

    Goes on where an import of the same request was stopped. ``DataError`` when the source as a whole cannot be used,
    ``StoreError`` when the data set would be overwritten.
    """
    _refuse_pointless(request)
    refuse_strange_folder(request.out)
    listed = build_reader(request.kind, request.words)(request.source)
    for note in listed.notes:
        listener.on_note(note)
    chosen = choose_faces(listed, request.min_age_years, Task().age_borders_years)
    refuse_empty(chosen, request.source)
    faces = draw_some(chosen.faces, request.limit, rng_for(request.seed, "import limit"))
    source = describe_source(request, faces)
    people = name_people(faces, source.name, keep_ids=not request.source_name)
    refuse_doubled(people)
    with locked(request.out / ".lock", f"{request.out} is being written by another import. Wait for its end."):
        target = ImportTarget(request.out, source)
        target.begin(people, request.force)
        rejected = list(chosen.rejected)
        distinct = _without_copies(people, rejected, listener)
        outcomes = list(_take_over(request, target, distinct, listener))
        rejected += [each for outcome in outcomes for each in outcome.rejected]
        taken = [outcome for outcome in outcomes if outcome.photos]
        if not taken:
            target.write_report(rejected)
            raise DataError(
                must(str(request.source), "a source of usable photos", rejected[-1].reason, "See the report.")
            )
        return target.finish([each.person for each in taken], rejected, sum(each.photos for each in taken))


def describe_source(request: ImportRequest, faces: Sequence[ImportedFace]) -> Source:
    """The entry of the sources' list, before anything is known of the outcome."""
    masks = "drawn" if any(_is_drawn_on(request, face) for face in faces) else AS_THEY_ARE
    if not request.draw_masks and request.kind is not ImportFormat.COMPETITION:
        masks = BARE
    return Source(
        name=request.source_name or request.kind.value,
        format=request.kind.value,
        licence=request.license or LICENSES.get(request.kind, ""),
        folder=request.source.resolve().name.encode("utf-8", "backslashreplace").decode(),
        masks=masks,
        seed=request.seed,
        min_age_years=request.min_age_years,
        limit=request.limit,
        linked=request.link,
        words=request.words.model_dump(),
    )


def _refuse_pointless(request: ImportRequest) -> None:
    """Options that would do nothing, or harm, for this format."""
    problems = []
    as_they_are = request.kind is ImportFormat.COMPETITION
    if as_they_are and not request.draw_masks:
        remedy = "Leave it out: the photos are taken as they are."
        problems.append(must("--no-masks", "for a format without masks", request.kind.value, remedy))
    if request.link and request.draw_masks and not as_they_are:
        problems.append(must("--link", "used with --no-masks", "drawn masks", "Add --no-masks, or leave --link out."))
    if request.kind not in (ImportFormat.CSV, ImportFormat.FOLDERS) and request.words != TableWords():
        problems.append(must("--map", "for FORMAT csv or folders", request.kind.value, "Leave it out."))
    if request.kind is ImportFormat.BARE and not request.draw_masks:
        remedy = "Leave it out: of bare faces without labels nothing but masks can be learned."
        problems.append(must("--no-masks", "for a format with labels", request.kind.value, remedy))
    if request.source_name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._]{0,39}", request.source_name):
        rule = "up to 40 letters, digits, dots or underscores"
        problems.append(must("--source-name", rule, request.source_name, "For example faces2024."))
    if not request.source.exists():
        problems.append(must(f"SRC {request.source}", "a folder or a file", "none of that name", "Check the path."))
    if problems:
        raise UserError(problems)


def _without_copies(
    people: Sequence[ImportedPerson], rejected: list[Rejected], listener: Listener
) -> list[ImportedPerson]:
    """Everybody but those whose only photo is the same file as an earlier one: one of the labels must be wrong."""
    listener.on_stage("comparing photos", len(people))
    first_of: dict[str, str] = {}
    distinct = []
    for person, content in zip(people, in_threads(_content, people), strict=True):
        where = person.face.where
        first = first_of.setdefault(content, where) if content else where
        if first == where:
            distinct.append(person)
        else:
            message = must("the photo", "another than the rest", f"a copy of {first}", "Keep the one with true labels.")
            rejected.append(Rejected.because(person.face.place, person.face.line, message))
        listener.on_advance(1)
    return distinct


def _content(person: ImportedPerson) -> str:
    """The content of a person's only photo; "" where there are several, or where it cannot be read (reported later)."""
    photos = person.face.photos
    if len(photos) != 1:
        return ""
    try:
        return content_of(next(iter(photos.values())).read_bytes())
    except OSError:
        return ""


def _take_over(
    request: ImportRequest, target: ImportTarget, people: Sequence[ImportedPerson], listener: Listener
) -> Iterator[_Outcome]:
    """Everybody's photos into the data set, but for those that are there already."""
    listener.on_stage("importing people", len(people))
    done = target.done()
    known = sum(person.folder in done for person in people)
    if known:
        listener.on_note(f"{known} of {len(people)} people are there already")

    def take(person: ImportedPerson) -> _Outcome:
        if person.folder in done:
            return _look_again(request, person)
        files, rejected = _files(request, person)
        if files:
            target.write_person(person, files)
        photos = sum(not name.startswith(".") for name in files)
        return _Outcome(person, photos, rejected)

    for outcome in in_threads(take, people):
        listener.on_advance(1)
        yield outcome


def _look_again(request: ImportRequest, person: ImportedPerson) -> _Outcome:
    """What an earlier import left of a person, and why a photo is missing."""
    there = list_folder(request.out / TRAIN_IMAGES / person.folder).photos
    missing = set(person.face.photos) - {photo_stem(name) for name in there}
    rejected = tuple(fault for name in sorted(missing) if isinstance(fault := _read(person, name), Rejected))
    return _Outcome(person, len(there), rejected)


def _files(request: ImportRequest, person: ImportedPerson) -> tuple[Files, tuple[Rejected, ...]]:
    """The files of a person's folder, none where no photo is sound; and what is wrong with the others."""
    if _is_drawn_on(request, person.face):
        data = _read(person, PORTRAIT)
        drawn = data if isinstance(data, Rejected) else _draw(request, person, data)
        return ({}, (drawn,)) if isinstance(drawn, Rejected) else (drawn, ())
    files: dict[str, bytes | Path] = {}
    rejected = []
    for name, path in person.face.photos.items():
        data = _read(person, name)
        if isinstance(data, Rejected):
            rejected.append(data)
            continue
        # Readers go by the content; the ending only has to be one that is listed.
        ending = path.suffix.lower() if path.suffix.lower() in PHOTO_SUFFIXES else ".jpg"
        files[f"{name}{ending}"] = path if request.link else data
    return files, tuple(rejected)


def _is_drawn_on(request: ImportRequest, face: ImportedFace) -> bool:
    """Not where a photo's mask is known: that is taken as it is."""
    draws = request.draw_masks and request.kind is not ImportFormat.COMPETITION and not face.as_it_is
    return draws and list(face.photos) == [PORTRAIT]


def _read(person: ImportedPerson, name: str) -> bytes | Rejected:
    """The contents of a photo that decodes, or what is wrong with it."""
    path, face = person.face.photos[name], person.face
    where = face.place if len(face.photos) == 1 else f"{face.where}/{path.name}"
    try:
        data = path.read_bytes()
        decode_photo(data, "the photo")
    except OSError as error:
        message = must("the photo", "readable", error.strerror or "an error", "Restore the file, or drop its label.")
        return Rejected.because(where, face.line, message)
    except DataError as error:
        return Rejected.because(where, face.line, str(error))
    return data


def _draw(request: ImportRequest, person: ImportedPerson, data: bytes) -> Files | Rejected:
    try:
        return draw_files(decode_photo(data, "the photo"), rng_for(request.seed, "import masks", person.number))
    except DataError as error:
        return Rejected.because(person.face.place, person.face.line, str(error))
