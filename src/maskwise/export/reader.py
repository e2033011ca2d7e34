"""Ask a bundle: ``maskwise.load(path).predict(images)``. No torch is imported.

Photos are dealt in small blocks to one thread a core. A thread decodes a block and then asks the networks about it, so
decoding overlaps computing without any queue between them, and a block's pixels never outlive its answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from maskwise.errors import DataError, must
from maskwise.evaluation.temperature import with_temperature
from maskwise.export.answers import Answer
from maskwise.export.bundle_files import BundleFiles, open_bundle
from maskwise.export.engines import PRECISIONS, Precision
from maskwise.export.manifest import MANIFEST, Manifest, parse_manifest
from maskwise.export.networks import Asked, Networks
from maskwise.export.prepare_photos import AnyImage, Prepared, Preparer
from maskwise.labels import Task
from maskwise.records import FaceBox, Floats

BLOCK_PHOTOS = 16
"""Photos that a thread takes at once: enough for the networks' kernels, few enough to share work evenly."""

Item = TypeVar("Item")
Prepare = Callable[[Item], Sequence[Prepared]]
"""What of an item is to be asked about; ``DataError`` where something is wrong with it."""


class Block(NamedTuple):
    """The answers for some items, in their order."""

    faces: list[list[FaceBox | None] | str]
    """For each item: one entry for each row of ``asked``, or what was wrong with it."""
    asked: Asked | None
    """None where there is nothing to ask about."""


class Bundle:
    """A loaded bundle. Safe to use from several threads; a context manager that ends its threads."""

    def __init__(self, files: BundleFiles, precision: Precision = "fp32", threads: int | None = None) -> None:
        self.place = files.place
        self.precision = precision
        self.manifest: Manifest = parse_manifest(files.read(MANIFEST), files.place)
        self.preparer = Preparer(self.manifest)
        self.threads = threads or len(os.sched_getaffinity(0))
        self.networks = Networks(self.manifest, files, precision, self.threads)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="asking")

    @property
    def task(self) -> Task:
        """What is read."""
        return self.manifest.task

    def predict(self, images: AnyImage | Sequence[AnyImage], *, calibrated: bool = False) -> list[Answer]:
        """One answer for each image, read as a whole, as the run would read it.

        ``images`` are paths, files' bytes or uint8 RGB pixels (height × width × 3). ``DataError`` names all that cannot
        be read.
        """
        rows = self._rows(images, lambda item: [self.preparer.whole(*item)], calibrated)
        return [answers[0] for answers in rows]

    def predict_faces(self, images: AnyImage | Sequence[AnyImage], *, calibrated: bool = False) -> list[list[Answer]]:
        """For each image one answer for each face in it, surest face first; an empty list where there is none."""
        self.preparer.refuse_unframed()
        return self._rows(images, lambda item: self.preparer.each_face(*item), calibrated)

    def prepare(self, image: AnyImage, name: str = "the photo") -> Prepared:
        """Decode and crop one image as a whole, for ``answer``: for callers that form batches themselves."""
        return self.preparer.whole(image, name)

    def answer(self, prepared: Sequence[Prepared], *, calibrated: bool = False) -> list[Answer]:
        """One answer for each of ``prepared``."""
        share = max(1, min(BLOCK_PHOTOS, -(-len(prepared) // self.threads)))
        blocks = list(self.blocks(prepared, lambda each: [each], share))
        faces = [each.face for each in prepared]
        return self._answers(blocks, faces, calibrated)

    def blocks(self, items: Sequence[Item], prepare: Prepare[Item], size: int = BLOCK_PHOTOS) -> Iterator[Block]:
        """What the networks say of ``items``, ``size`` of them at a time, in order, computed on all threads."""
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        yield from self._pool.map(lambda part: self._block(part, prepare), parts)

    def probabilities(self, asked: Sequence[Asked], *, calibrated: bool = False) -> tuple[Floats, Floats | None]:
        """(probs_NC, age_years_N or None) of several blocks; members vote over all of them at once."""
        if not asked:
            return np.zeros((0, self.task.n_classes), dtype=np.float32), None
        probs_NC = self.networks.vote(np.concatenate([each.probs_RNC for each in asked], axis=1))
        if calibrated:
            probs_NC = with_temperature(probs_NC, self._temperature())
        ages = [each.age_years_N for each in asked if each.age_years_N is not None]
        return probs_NC, np.concatenate(ages) if ages else None

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _block(self, items: Sequence[Item], prepare: Prepare[Item]) -> Block:
        found = [_prepared(item, prepare) for item in items]
        prepared = [each for entry in found if not isinstance(entry, str) for each in entry]
        faces = [entry if isinstance(entry, str) else [each.face for each in entry] for entry in found]
        return Block(faces, self.networks.ask(prepared) if prepared else None)

    def _rows(
        self,
        images: AnyImage | Sequence[AnyImage],
        prepare: Prepare[tuple[AnyImage, str]],
        calibrated: bool,
    ) -> list[list[Answer]]:
        listed = [images] if isinstance(images, str | Path | bytes | np.ndarray) else list(images)
        items = [(image, _name(image, place)) for place, image in enumerate(listed)]
        share = max(1, min(BLOCK_PHOTOS, -(-len(items) // self.threads)))
        blocks = list(self.blocks(items, prepare, share))
        entries = [entry for block in blocks for entry in block.faces]
        if problems := [entry for entry in entries if isinstance(entry, str)]:
            raise DataError(problems)
        faces = [face for entry in entries for face in entry if not isinstance(entry, str)]
        answers = iter(self._answers(blocks, faces, calibrated))
        return [[next(answers) for _ in entry] for entry in entries]

    def _answers(
        self, blocks: Sequence[Block], faces: Sequence[FaceBox | str | None], calibrated: bool
    ) -> list[Answer]:
        asked = [block.asked for block in blocks if block.asked is not None]
        probs_NC, age_years_N = self.probabilities(asked, calibrated=calibrated)
        return [
            Answer(
                self.task,
                probs_NC[row],
                None if age_years_N is None else float(age_years_N[row]),
                face if isinstance(face, FaceBox) else None,
            )
            for row, face in enumerate(faces)
        ]

    def _temperature(self) -> float:
        if self.manifest.temperature is None:
            raise DataError(
                must(
                    f"bundle {self.place}", "calibrated on held-out people", "one of a run without any", "Ask as it is."
                )
            )
        return self.manifest.temperature


def load(path: str | Path, precision: Precision = "fp32", threads: int | None = None) -> Bundle:
    """The bundle at ``path``, a folder or a .zip. ``threads`` computing at once; by default one a core.

    ``DataError`` for what is no bundle, is damaged or was changed, or lacks ``precision``; ``UserError`` for bf16
    without the extra ``openvino`` or on a processor without it.
    """
    if precision not in PRECISIONS:
        raise DataError(must("precision", " or ".join(PRECISIONS), precision, "Choose one of them."))
    return Bundle(open_bundle(Path(path)), precision, threads)


def _prepared(item: Item, prepare: Prepare[Item]) -> Sequence[Prepared] | str:
    try:
        return prepare(item)
    except DataError as error:
        return error.problems[0]


def _name(image: AnyImage, place: int) -> str:
    return str(image) if isinstance(image, str | Path) else f"image {place + 1}"
