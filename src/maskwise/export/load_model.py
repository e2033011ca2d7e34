"""``maskwise.load``: a bundle, or a finished run, to predict with from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maskwise.errors import DataError, UserError, must
from maskwise.export.bundle_files import is_bundle
from maskwise.export.engines import BundlePrecision
from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import AnyImage, Prepared, as_list, decode
from maskwise.export.reader import Bundle, WholeFaces, image_name, load
from maskwise.labels import Task
from maskwise.store.layout import RECORD
from maskwise.workflows.frame_photos import LikeTraining

if TYPE_CHECKING:
    from maskwise.workflows.run_models import RunModels

LOADED_BATCH_PHOTOS = 64


class LoadedRun:
    """A finished run with the methods of a bundle that a run has. Needs torch."""

    def __init__(self, folder: Path) -> None:
        from maskwise.workflows.predict_photos import load_to_predict, photo_inputs

        self.folder = folder
        self._models: RunModels = load_to_predict(folder)
        self._inputs = photo_inputs(self._models.specs)

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self._models.task

    def predict(self, images: AnyImage | Sequence[AnyImage], *, faces: WholeFaces = "auto") -> list[Prediction]:
        """One prediction for each image; ``images`` and ``faces`` as for a bundle.

        ``DataError`` names all unreadable ones.
        """
        from maskwise.ensembles.vote_members import vote_members

        framed = self._like_training() if faces == "auto" else None
        listed = as_list(images)
        prepared: list[Prepared] = []
        problems: list[str] = []
        for place, image in enumerate(listed):
            try:
                prepared.append(self._prepare(image, image_name(image, place), framed))
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError(problems)
        batches = [
            prepared[start : start + LOADED_BATCH_PHOTOS] for start in range(0, len(prepared), LOADED_BATCH_PHOTOS)
        ]
        blocks = [
            self._models.predict([np.stack(pixels) for pixels in zip(*(each.pixels for each in batch), strict=True)])
            for batch in batches
        ]
        weights = [member.weight for member in self._models.members]
        probs_NC, years_N = vote_members(self._models.vote, weights, blocks, self.task.n_classes)
        return [
            Prediction(self.task, probs_C, None if years_N is None else float(years_N[row]), prepared[row].face)
            for row, probs_C in enumerate(probs_NC)
        ]

    def close(self) -> None:
        """Nothing is held that needs an end; bundles have this method."""

    def __enter__(self) -> LoadedRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, image: AnyImage, name: str, framed: LikeTraining | None) -> Prepared:
        if framed is None:
            return Prepared(self._inputs.whole(lambda least_px: decode(image, name, least_px), name), None)
        cut = framed(decode(image, name))
        return Prepared(self._inputs.whole(lambda _least_px: cut.photo, name), cut.face, cut.faces)

    def _like_training(self) -> LikeTraining | None:
        framing = self._models.framing
        return None if framing is None or all(self._inputs.face_crops) else LikeTraining(framing)


def load_model(path: str | Path, precision: BundlePrecision = "fp32", threads: int | None = None) -> Bundle | LoadedRun:
    """The bundle (a folder or a .zip) or the finished run at ``path``.

    ``precision`` and ``threads`` are for bundles (see ``maskwise.export.reader``). ``UserError`` for anything else.
    """
    place = Path(path)
    if is_bundle(place) or not (place / RECORD).is_file():
        return load(place, precision, threads)
    if precision != "fp32" or threads is not None:
        remedy = "Export the run first: maskwise export RUN OUT."
        raise UserError(must("precision and threads", "used with a bundle", f"the run {place}", remedy))
    return LoadedRun(place)
