"""A loaded bundle: ``maskwise.load(path).predict(images)``. No torch is imported.

Photos are dealt in small blocks to one thread per core. A thread decodes a block and then runs the networks on it, so
decoding overlaps computing without any queue between them, and a block's pixels never outlive its predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from maskwise.ensembles.vote_members import vote_members
from maskwise.errors import DataError, must
from maskwise.evaluation.temperature import with_temperature
from maskwise.export.bundle_files import BundleFiles, open_bundle
from maskwise.export.engines import PRECISIONS, BundlePrecision
from maskwise.export.manifest import MANIFEST, Manifest, parse_manifest
from maskwise.export.networks import Networks
from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import AnyImage, Prepared, Preparer, as_list
from maskwise.files import at_home
from maskwise.labels import Task
from maskwise.machine import usable_cores
from maskwise.probabilities import MemberProbabilities, Probabilities
from maskwise.records import FaceBox

BLOCK_PHOTOS = 16
"""Photos that a thread takes at once: enough for the networks' kernels, few enough to share work evenly."""

WholeFaces = Literal["auto", "whole"]
"""What of an image with one prediction is predicted."""
Item = TypeVar("Item")
Prepare = Callable[[Item], Sequence[Prepared]]
"""What of an item is to be predicted; ``DataError`` where something is wrong with it."""


class PredictedBlock(NamedTuple):
    """What is predicted for some items, in their order."""

    faces: list[list[FaceBox | None] | str]
    """For each item: one entry for each row of ``members``, or what was wrong with it."""
    members: MemberProbabilities | None
    """None where there is nothing to predict."""

    @property
    def problems(self) -> list[str]:
        """What was wrong with items."""
        return [entry for entry in self.faces if isinstance(entry, str)]


class Bundle:
    """A loaded bundle. Safe to use from several threads; a context manager that ends its threads."""

    def __init__(self, files: BundleFiles, precision: BundlePrecision = "fp32", threads: int | None = None) -> None:
        self.place = files.place
        self.precision = precision
        self.manifest: Manifest = parse_manifest(files.read(MANIFEST), files.place)
        self.preparer = Preparer(self.manifest)
        self.threads = threads or usable_cores()
        self.networks = Networks(self.manifest, files, precision, self.threads)
        files.check_all()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="predicting")

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.manifest.task

    def predict(
        self, images: AnyImage | Sequence[AnyImage], *, calibrated: bool = False, faces: WholeFaces = "auto"
    ) -> list[Prediction]:
        """One prediction for each image, as the run would predict it.

        ``images`` are paths, files' bytes, uint8 RGB pixels (height × width × 3) or pictures of Pillow. With ``faces``
        auto, an image whose face lies elsewhere than in training is cut around its largest face, which is the ``face``
        of the prediction; whole leaves images as they are. ``DataError`` names all that cannot be read.
        """
        framed = self.preparer.like_training() if faces == "auto" else None
        rows = self._rows(images, lambda item: [self.preparer.whole(*item, framed)], calibrated)
        return [predictions[0] for predictions in rows]

    def predict_faces(
        self, images: AnyImage | Sequence[AnyImage], *, calibrated: bool = False
    ) -> list[list[Prediction]]:
        """For each image one prediction for each face in it, most confident first; an empty list without any."""
        self.preparer.refuse_unframed()
        return self._rows(images, lambda item: self.preparer.each_face(*item), calibrated)

    def prepare(self, image: AnyImage, name: str = "the photo") -> Prepared:
        """Decode and crop one image as a whole, for ``predict_prepared``: for callers that form batches themselves."""
        return self.preparer.whole(image, name)

    def predict_prepared(self, prepared: Sequence[Prepared], *, calibrated: bool = False) -> list[Prediction]:
        """One prediction for each of ``prepared``."""
        blocks = list(self.blocks(prepared, lambda each: [each], self._share(len(prepared))))
        return self.predictions(blocks, calibrated=calibrated)

    def blocks(
        self, items: Sequence[Item], prepare: Prepare[Item], size: int = BLOCK_PHOTOS
    ) -> Iterator[PredictedBlock]:
        """What the networks predict for ``items``, ``size`` of them at a time, in order, computed on all threads."""
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        yield from self._pool.map(lambda part: self._block(part, prepare), parts)

    def probabilities(self, blocks: Sequence[PredictedBlock], *, calibrated: bool = False) -> Probabilities:
        """Those of several blocks; members vote over all of them at once."""
        members = [block.members for block in blocks if block.members is not None]
        weights = [member.weight for member in self.manifest.members]
        voted = vote_members(self.manifest.vote, weights, members, self.task.n_classes)
        if not calibrated:
            return voted
        return Probabilities(with_temperature(voted.probs_NC, self._temperature()), voted.age_years_N)

    def predictions(self, blocks: Sequence[PredictedBlock], *, calibrated: bool = False) -> list[Prediction]:
        """One prediction for each face (or whole photo) of ``blocks``."""
        faces = [face for block in blocks for entry in block.faces if not isinstance(entry, str) for face in entry]
        probs_NC, age_years_N = self.probabilities(blocks, calibrated=calibrated)
        return [
            Prediction(self.task, probs_NC[row], None if age_years_N is None else float(age_years_N[row]), face)
            for row, face in enumerate(faces)
        ]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _block(self, items: Sequence[Item], prepare: Prepare[Item]) -> PredictedBlock:
        found = [_prepared(item, prepare) for item in items]
        prepared = [each for entry in found if not isinstance(entry, str) for each in entry]
        faces = [entry if isinstance(entry, str) else [each.face for each in entry] for entry in found]
        return PredictedBlock(faces, self.networks.predict(prepared) if prepared else None)

    def _rows(
        self,
        images: AnyImage | Sequence[AnyImage],
        prepare: Prepare[tuple[AnyImage, str]],
        calibrated: bool,
    ) -> list[list[Prediction]]:
        listed = as_list(images)
        items = [(image, image_name(image, place)) for place, image in enumerate(listed)]
        blocks = list(self.blocks(items, prepare, self._share(len(items))))
        if problems := [problem for block in blocks for problem in block.problems]:
            raise DataError(problems)
        predictions = iter(self.predictions(blocks, calibrated=calibrated))
        return [[next(predictions) for _ in entry] for block in blocks for entry in block.faces]

    def _share(self, n_items: int) -> int:
        """Items per block, so that few items still occupy all threads."""
        return max(1, min(BLOCK_PHOTOS, -(-n_items // self.threads)))

    def _temperature(self) -> float:
        if self.manifest.temperature is None:
            got, remedy = "one that is not", "Leave calibrated out."
            raise DataError(must(f"bundle {self.place}", "calibrated on held-out people", got, remedy))
        return self.manifest.temperature


def load(path: str | Path, precision: BundlePrecision = "fp32", threads: int | None = None) -> Bundle:
    """The bundle at ``path``, a folder or a .zip. ``threads`` computing at once; by default one per core.

    ``DataError`` for what is no bundle, is damaged or was changed, or lacks ``precision``; ``UserError`` for bf16
    without the extra ``openvino`` or on a processor without it.
    """
    if precision not in PRECISIONS:
        raise DataError(must("precision", " or ".join(PRECISIONS), precision, "Choose one of them."))
    return Bundle(open_bundle(at_home(path)), precision, threads)


def _prepared(item: Item, prepare: Prepare[Item]) -> Sequence[Prepared] | str:
    try:
        return prepare(item)
    except DataError as error:
        return error.problems[0]


def image_name(image: AnyImage, place: int) -> str:
    """What messages call an image: its path, or ``image 3``."""
    return str(image) if isinstance(image, str | Path) else f"image {place + 1}"
