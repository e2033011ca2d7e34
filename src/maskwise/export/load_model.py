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
from maskwise.export.prepare_photos import AnyImage, decode
from maskwise.export.reader import Bundle, image_name, load
from maskwise.labels import Task
from maskwise.store.layout import record_path

if TYPE_CHECKING:
    from maskwise.records import Image
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

    def predict(self, images: AnyImage | Sequence[AnyImage]) -> list[Prediction]:
        """One prediction for each image as a whole; images as for a bundle. ``DataError`` names all unreadable ones."""
        from maskwise.ensembles.vote_members import vote_members

        listed = [images] if isinstance(images, str | Path | bytes | np.ndarray) else list(images)
        prepared: list[tuple[Image, ...]] = []
        problems: list[str] = []
        for place, image in enumerate(listed):
            try:
                prepared.append(self._prepare(image, image_name(image, place)))
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError(problems)
        batches = [
            prepared[start : start + LOADED_BATCH_PHOTOS] for start in range(0, len(prepared), LOADED_BATCH_PHOTOS)
        ]
        blocks = [self._models.predict([np.stack(pixels) for pixels in zip(*batch, strict=True)]) for batch in batches]
        weights = [member.weight for member in self._models.members]
        probs_NC, years_N = vote_members(self._models.vote, weights, blocks, self.task.n_classes)
        return [
            Prediction(self.task, probs_C, None if years_N is None else float(years_N[row]))
            for row, probs_C in enumerate(probs_NC)
        ]

    def close(self) -> None:
        """Nothing is held that needs an end; bundles have this method."""

    def __enter__(self) -> LoadedRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, image: AnyImage, name: str) -> tuple[Image, ...]:
        return self._inputs.whole(lambda least_px: decode(image, name, least_px), name)


def load_model(path: str | Path, precision: BundlePrecision = "fp32", threads: int | None = None) -> Bundle | LoadedRun:
    """The bundle (a folder or a .zip) or the finished run at ``path``.

    ``precision`` and ``threads`` are for bundles (see ``maskwise.export.reader``). ``UserError`` for anything else.
    """
    place = Path(path)
    if is_bundle(place) or not record_path(place).is_file():
        return load(place, precision, threads)
    if precision != "fp32" or threads is not None:
        remedy = "Export the run first: maskwise export RUN OUT."
        raise UserError(must("precision and threads", "used with a bundle", f"the run {place}", remedy))
    return LoadedRun(place)
