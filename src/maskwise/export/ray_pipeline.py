"""A bundle and very many photos → predictions, on worker processes of Ray, on one machine or several.

Every worker holds the bundle and reads its share of the photos by itself; only names go out, and what the networks
predict comes back. Photos go in the same small blocks as in a single process, and members vote here over all of them,
so predictions are the same to the last digit. Ray is only imported when it is used; no torch.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.data.manifest import unlabeled
from maskwise.errors import UserError, must
from maskwise.export.engines import BundlePrecision
from maskwise.export.predict_folder import readable_predictions
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import BLOCK_PHOTOS, Bundle, PredictedBlock, load
from maskwise.listeners import Listener
from maskwise.probabilities import MemberProbabilities
from maskwise.records import Predictions
from maskwise.workflows.frame_photos import LikeTraining
from maskwise.workflows.photos_to_predict import InputPhotos, list_photos, report_problems
from maskwise.workflows.ray_session import ray_session, require_ray

TASK_PHOTOS = 16 * BLOCK_PHOTOS
"""Photos that a worker is handed at once: whole blocks, some seconds of work."""

Columns = dict[str, NDArray[Any]]


def predict_with_ray(
    path: Path,
    precision: BundlePrecision,
    sources: Sequence[Path],
    workers: int,
    skip_unreadable: bool,
    listener: Listener,
    *,
    crops: bool = False,
    calibrated: bool = False,
) -> Predictions:
    """What ``predict_photos`` gives for the bundle at ``path``, computed by ``workers`` processes of one core each.

    With ``crops``, photos whose faces lie elsewhere than in training are cut like those.

    On a cluster, the bundle and the photos lie at the same paths on every machine. ``UserError`` without Ray.
    """
    require_ray()
    with load(path, precision, threads=1) as bundle:
        photos = list_photos(sources, bundle.task, listener.on_note)
        table = photos.table
        if photos.piped is not None:
            raise UserError(must("--engine ray", "given photos on disk", "standard input", "Leave the engine out."))
        listener.on_stage("predicting photos", len(table))
        with ray_session(workers + 1):  # or none would be left for handing out the names
            _be_quiet()
            like_training = bundle.preparer.like_training() if crops else None
            block = _predict(path, precision, photos.root, table.photo_N.tolist(), workers, like_training, listener)
        report_problems(block.problems, skip_unreadable, listener)
        for note in [] if like_training is None else like_training.notes(len(table)):
            listener.on_note(note)
        return readable_predictions(bundle, table, [block], calibrated=calibrated)


class Worker:
    """One process that holds the bundle; Ray makes it and hands it batches."""

    def __init__(self, path: str, precision: BundlePrecision, root: str, crops: bool) -> None:
        self.bundle: Bundle = load(path, precision, threads=1)
        self.crops = crops
        self.like_training: LikeTraining | None = None
        self.photos = InputPhotos(Path(root), unlabeled(np.zeros(0, dtype=object)))

    def __call__(self, batch: Columns) -> Columns:
        """``row`` and ``name`` (bytes: names of files need not be UTF-8) → row, problem, probabilities, age.

        ``cropped`` and ``several``, photos that were cut and those of several faces, are counted in the first row.
        """
        self.like_training = self.bundle.preparer.like_training() if self.crops else None
        names = [os.fsdecode(name) for name in batch["name"].tolist()]
        blocks = list(self.bundle.blocks(names, self._whole))
        problems = [entry if isinstance(entry, str) else "" for block in blocks for entry in block.faces]
        good_N = np.array([not problem for problem in problems])
        members = self.bundle.manifest.members
        probs_NRC = np.zeros((len(names), len(members), self.bundle.task.n_classes), dtype=np.float32)
        age_years_N = np.full(len(names), np.nan, dtype=np.float32)
        found = [block.members for block in blocks if block.members is not None]
        if found:
            probs_NRC[good_N] = np.concatenate([each.probs_RNC for each in found], axis=1).swapaxes(0, 1)
        ages = [each.age_years_N for each in found if each.age_years_N is not None]
        if ages:
            age_years_N[good_N] = np.concatenate(ages)
        problem_N = np.array([problem.encode("utf-8", "surrogateescape") for problem in problems], dtype=object)
        columns = {"row": batch["row"], "problem": problem_N, "probs": probs_NRC, "age_years": age_years_N}
        counted = self.like_training
        counts = (0, 0) if counted is None else (counted.cropped, counted.several)
        rest = [0] * (len(names) - 1)
        return {**columns, "cropped": np.array([counts[0], *rest]), "several": np.array([counts[1], *rest])}

    def _whole(self, name: str) -> list[Prepared]:
        return [self.bundle.preparer.whole(self.photos.read(name), name, self.like_training)]


def _predict(
    path: Path,
    precision: BundlePrecision,
    root: Path,
    names: list[str],
    workers: int,
    like_training: LikeTraining | None,
    listener: Listener,
) -> PredictedBlock:
    """All photos as one block, in order; ``like_training`` gets the counts of the workers."""
    import pyarrow
    import ray.data

    table = pyarrow.table({"row": range(len(names)), "name": [os.fsencode(name) for name in names]})
    batches = [table.slice(start, TASK_PHOTOS) for start in range(0, len(names), TASK_PHOTOS)]
    batches_done = ray.data.from_arrow(batches).map_batches(
        Worker,
        fn_constructor_args=(str(path.resolve()), precision, str(root.resolve()), like_training is not None),
        batch_size=TASK_PHOTOS,
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(batches))),
        num_cpus=1,
    )
    came: list[Columns] = []
    for columns in batches_done.iter_batches(batch_size=None, batch_format="numpy"):
        came.append(columns)
        listener.on_advance(len(columns["row"]))
    found = {name: np.concatenate([columns[name] for columns in came]) for name in came[0]}
    if like_training is not None:
        like_training.cropped, like_training.several = int(found["cropped"].sum()), int(found["several"].sum())
    return _in_order(found)


def _in_order(columns: Columns) -> PredictedBlock:
    order_N = np.argsort(columns["row"])
    problems = [problem.decode("utf-8", "surrogateescape") for problem in columns["problem"][order_N].tolist()]
    good_N = np.array([not problem for problem in problems])
    probs_RNC = columns["probs"][order_N][good_N].swapaxes(0, 1)
    age_years_N = columns["age_years"][order_N][good_N]
    with_age = not np.isnan(age_years_N).any()
    members = MemberProbabilities(probs_RNC, age_years_N if with_age else None) if good_N.any() else None
    return PredictedBlock([problem or [None] for problem in problems], members)


def _be_quiet() -> None:
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
