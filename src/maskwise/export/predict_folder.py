"""A bundle and photos on disk → predictions, or a table of faces. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import read_eval, read_folder
from maskwise.errors import DataError
from maskwise.export.answers import Answer
from maskwise.export.networks import Asked
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle
from maskwise.listeners import Listener
from maskwise.records import FaceBox, PhotoTable, Predictions


class PhotoFaces(NamedTuple):
    """A photo and the answers for all faces in it."""

    photo: str
    answers: list[Answer]


def predict_photos(
    bundle: Bundle, source: Path, skip_unreadable: bool, listener: Listener, *, calibrated: bool = False
) -> Predictions:
    """What ``maskwise predict`` gives for the run: ``source`` is a folder, a data set (its eval part) or one photo.

    Unreadable photos are all named in one ``DataError``, or left out and noted with ``skip_unreadable``.
    """
    root, table = list_photos(source, bundle)

    def whole(name: str) -> list[Prepared]:
        return [bundle.preparer.whole(root / name, name)]

    entries, asked = _ask(bundle, table, whole, listener)
    tell_problems(entries, skip_unreadable, listener)
    return join_answers(bundle, table, entries, asked, calibrated=calibrated)


def join_answers(
    bundle: Bundle,
    table: PhotoTable,
    entries: Sequence[list[FaceBox | None] | str],
    asked: Sequence[Asked],
    *,
    calibrated: bool,
) -> Predictions:
    """What was ``asked`` about the photos of ``table`` whose entry is no problem, as predictions."""
    kept = table.take(np.array([not isinstance(entry, str) for entry in entries], dtype=bool))
    probs_NC, age_years_N = bundle.probabilities(asked, calibrated=calibrated)
    return Predictions(
        photo_N=kept.photo_N,
        person_N=kept.person_N,
        class_N=kept.class_N,
        probs_NC=probs_NC,
        seen_N=np.full(len(kept), "test", dtype=object),
        age_years_N=age_years_N,
    )


def predict_faces(
    bundle: Bundle, source: Path, skip_unreadable: bool, listener: Listener, *, calibrated: bool = False
) -> list[PhotoFaces]:
    """Every photo of ``source`` with an answer for each of its faces, surest first; none where no face is found."""
    bundle.preparer.refuse_unframed()
    root, table = list_photos(source, bundle)

    def each_face(name: str) -> list[Prepared]:
        return bundle.preparer.each_face(root / name, name)

    entries, asked = _ask(bundle, table, each_face, listener)
    tell_problems(entries, skip_unreadable, listener)
    probs_NC, age_years_N = bundle.probabilities(asked, calibrated=calibrated)
    rows = iter(range(len(probs_NC)))
    found = []
    for photo, entry in zip(table.photo_N.tolist(), entries, strict=True):
        if not isinstance(entry, str):
            places = [(next(rows), face) for face in entry]
            answers = [
                Answer(bundle.task, probs_NC[row], None if age_years_N is None else float(age_years_N[row]), face)
                for row, face in places
            ]
            found.append(PhotoFaces(photo, answers))
    return found


def list_photos(source: Path, bundle: Bundle) -> tuple[Path, PhotoTable]:
    """(the folder that photos are named from, the photos)."""
    if source.is_file():
        table = read_folder(source.parent)
        return source.parent, table.take(table.photo_N == source.name)
    return source, read_eval(source, bundle.task) if (source / EVAL_CSV).is_file() else read_folder(source)


def _ask(
    bundle: Bundle, table: PhotoTable, prepare: Callable[[str], Sequence[Prepared]], listener: Listener
) -> tuple[list[list[FaceBox | None] | str], list[Asked]]:
    listener.on_stage("predicting photos", len(table))
    entries: list[list[FaceBox | None] | str] = []
    asked: list[Asked] = []
    for block in bundle.blocks(table.photo_N.tolist(), prepare):
        entries += block.faces
        asked += [] if block.asked is None else [block.asked]
        listener.on_advance(len(block.faces))
    return entries, asked


def tell_problems(entries: Sequence[list[FaceBox | None] | str], skip_unreadable: bool, listener: Listener) -> None:
    """Refuse unreadable photos, all of them together, or with ``skip_unreadable`` note each."""
    problems = [entry for entry in entries if isinstance(entry, str)]
    if problems and not skip_unreadable:
        raise DataError([*problems, f"{len(problems)} photos must be readable. Mend them, or add --skip-unreadable."])
    for problem in problems:
        listener.on_note(f"left out: {problem}")
