"""A bundle and photos on disk → predictions, or a table of faces. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle, PredictedBlock
from maskwise.listeners import Listener
from maskwise.records import PhotoTable, Predictions
from maskwise.workflows.frame_photos import LikeTraining
from maskwise.workflows.photos_to_predict import as_predictions, list_photos, report_problems


class PhotoFaces(NamedTuple):
    """A photo and a prediction for each face in it."""

    photo: str
    predictions: list[Prediction]


def predict_folder(
    bundle: Bundle,
    sources: Sequence[Path],
    skip_unreadable: bool,
    listener: Listener,
    like_training: LikeTraining | None = None,
    *,
    calibrated: bool = False,
) -> Predictions:
    """What ``maskwise predict`` gives for the run: see ``list_photos`` for ``sources``.

    With ``like_training``, photos whose faces lie elsewhere are cut and counted by it. Unreadable photos are all named
    in one ``DataError``, or left out and noted with ``skip_unreadable``.
    """
    photos = list_photos(sources, bundle.task, listener.on_note)

    def whole(name: str) -> list[Prepared]:
        return [bundle.preparer.whole(photos.read(name), name, like_training)]

    blocks = _predict(bundle, photos.table, whole, listener)
    report_problems([problem for block in blocks for problem in block.problems], skip_unreadable, listener)
    return readable_predictions(bundle, photos.table, blocks, calibrated=calibrated)


def readable_predictions(
    bundle: Bundle, table: PhotoTable, blocks: Sequence[PredictedBlock], *, calibrated: bool
) -> Predictions:
    """The predictions in ``blocks``, of the photos of ``table`` that could be read."""
    readable_N = np.array([not isinstance(entry, str) for block in blocks for entry in block.faces], dtype=bool)
    return as_predictions(table.take(readable_N), bundle.probabilities(blocks, calibrated=calibrated))


def predict_faces(
    bundle: Bundle, sources: Sequence[Path], skip_unreadable: bool, listener: Listener, *, calibrated: bool = False
) -> list[PhotoFaces]:
    """Every photo of ``sources`` with a prediction for each of its faces, most confident first; none without a face."""
    bundle.preparer.refuse_unframed()
    photos = list_photos(sources, bundle.task, listener.on_note)

    def each_face(name: str) -> list[Prepared]:
        return bundle.preparer.each_face(photos.read(name), name)

    blocks = _predict(bundle, photos.table, each_face, listener)
    report_problems([problem for block in blocks for problem in block.problems], skip_unreadable, listener)
    predictions = iter(bundle.predictions(blocks, calibrated=calibrated))
    entries = [entry for block in blocks for entry in block.faces]
    return [
        PhotoFaces(photo, [next(predictions) for _ in entry])
        for photo, entry in zip(photos.table.photo_N.tolist(), entries, strict=True)
        if not isinstance(entry, str)
    ]


def _predict(
    bundle: Bundle, table: PhotoTable, prepare: Callable[[str], Sequence[Prepared]], listener: Listener
) -> list[PredictedBlock]:
    listener.on_stage("predicting photos", len(table))
    blocks = []
    for block in bundle.blocks(table.photo_N.tolist(), prepare):
        blocks.append(block)
        listener.on_advance(len(block.faces))
    return blocks
