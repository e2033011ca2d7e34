"""From a finished run and photos on disk to predictions: the same crop, size and scaling as in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from maskwise.data.manifest import eval_names, read_eval
from maskwise.data.pixels import decode_photo
from maskwise.data.problems import refuse
from maskwise.ensembles.vote_members import vote_members
from maskwise.faces.config import CropConfig
from maskwise.fitting.photo_inputs import ModelInput, PhotoInputs
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.memory import keep_freed_memory
from maskwise.probabilities import MemberProbabilities, Probabilities
from maskwise.records import Image, InputSpec, Ints, Predictions
from maskwise.store.submission import write_submission
from maskwise.training.devices import Precision
from maskwise.workflows.frame_photos import LikeTraining, RunFaces
from maskwise.workflows.photo_batches import photo_batches
from maskwise.workflows.photos_to_predict import as_predictions, list_photos, report_problems
from maskwise.workflows.run_models import RunModels, load_run


def predict_photos(
    run: Path,
    sources: Sequence[Path],
    skip_unreadable: bool,
    listener: Listener,
    faces: RunFaces = RunFaces.WHOLE,
    *,
    precision: Precision | None = None,
) -> tuple[Predictions, Task]:
    """Probabilities for all photos of ``sources`` (see ``list_photos``).

    Photos are walked outside and models inside: each is read and decoded once, whatever the members. A photo that any
    member's crop refuses has no prediction. Unreadable photos are all named in one ``DataError``, or left out and
    noted with ``skip_unreadable``. With ``faces`` auto, photos whose faces lie elsewhere than in training are cut like
    those of training, and it is noted of how many. ``precision`` is that of the run's training if None.
    """
    loaded = load_to_predict(run)
    if precision is not None:
        loaded = loaded.in_precision(precision)
    photos = list_photos(sources, loaded.task, listener.on_note)
    listener.on_stage("predicting photos", len(photos))
    blocks: list[MemberProbabilities] = []
    readable: list[Ints] = []
    problems: list[str] = []
    framing = loaded.framing if faces is RunFaces.AUTO else None
    like_training = None if framing is None else LikeTraining(framing)
    for batch in photo_batches(photos, _preparer(loaded.specs, like_training)):
        if len(batch.index_M):
            blocks.append(loaded.predict(batch.pixels))
            readable.append(batch.index_M)
        problems += batch.problems
        listener.on_advance(batch.requested)
    report_problems(problems, skip_unreadable, listener)
    for note in [] if like_training is None else like_training.notes(len(photos.table)):
        listener.on_note(note)
    kept = photos.table.take(np.concatenate(readable) if readable else np.zeros(0, dtype=np.int64))
    weights = [member.weight for member in loaded.members]
    return as_predictions(kept, vote_members(loaded.vote, weights, blocks, loaded.task.n_classes)), loaded.task


def write_submission_of(predictions: Predictions, data: Path, out: Path) -> int:
    """Write the predictions of the eval part of ``data`` in the order of its info.csv; returns their number."""
    names, problems = eval_names(data)
    refuse(problems)
    write_submission(predictions, [name for name, _ in names], out)
    return len(names)


def fill_unreadable(predictions: Predictions, data: Path, task: Task, listener: Listener) -> Predictions:
    """``predictions`` of the eval part of ``data``, with a row for each photo that was left out as unreadable.

    A submission needs every photo: those get the mean of all predictions, which is noted.
    """
    table = read_eval(data, task)
    place_of = {photo: place for place, photo in enumerate(predictions.photo_N.tolist())}
    absent = [photo for photo in table.photo_N.tolist() if photo not in place_of]
    if not absent or not len(predictions):
        return predictions
    listener.on_note(f"given the mean of all predictions, as they cannot be read: {', '.join(absent)}")
    probs_NC = np.tile(predictions.probs_NC.mean(axis=0), (len(table), 1))
    for row, photo in enumerate(table.photo_N.tolist()):
        if photo in place_of:
            probs_NC[row] = predictions.probs_NC[place_of[photo]]
    return as_predictions(table, Probabilities(probs_NC, None))


def load_to_predict(run: Path) -> RunModels:
    """The models of a finished run, memory kept for the next photos."""
    keep_freed_memory()
    return load_run(run)


def _preparer(
    specs: Sequence[InputSpec], like_training: LikeTraining | None
) -> Callable[[bytes, str], tuple[Image, ...]]:
    """(file contents, name) → the pixels of each of ``specs``."""
    inputs = photo_inputs(specs)

    def prepare(data: bytes, name: str) -> tuple[Image, ...]:
        return inputs.whole(lambda least_px: decode_photo(data, name, least_px), name)

    def prepare_like_training(data: bytes, name: str) -> tuple[Image, ...]:
        assert like_training is not None
        photo = like_training(decode_photo(data, name)).photo
        return inputs.whole(lambda _least_px: photo, name)

    # A crop around the face needs no framing: it finds its window in any photo.
    return prepare if like_training is None or all(inputs.face_crops) else prepare_like_training


def photo_inputs(specs: Sequence[InputSpec]) -> PhotoInputs:
    """How a photo becomes the pixels of each of ``specs``."""
    crops = [TypeAdapter[CropConfig](CropConfig).validate_python(dict(spec.crop)) for spec in specs]
    pairs = zip(crops, specs, strict=True)
    return PhotoInputs([ModelInput(crop, spec.height_px, spec.width_px) for crop, spec in pairs])
