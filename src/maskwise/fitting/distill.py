"""One fold of a distillation: a model is trained on labels and on what a teacher predicts for the same photos.

The teacher's rows lie in the fold's folder and are always read back from there, so a killed run goes on with the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from maskwise.fitting.fold_job import FoldJob, assign_people
from maskwise.fitting.one_fold import fit_and_predict, write_input_spec
from maskwise.fitting.photo_set import PhotoSet
from maskwise.recipe.fields import Distillation
from maskwise.records import Floats, Ints, Predictions, Strings, rows_of
from maskwise.selftraining.pseudo_label_file import read_pseudo_labels, write_pseudo_labels
from maskwise.selftraining.select import PseudoLabels, soft_target
from maskwise.store.layout import TEACHER
from maskwise.training.batches import TargetRows
from maskwise.training.processes import from_first

Teach = Callable[[int, Strings], Floats]
"""(fold, photos) → the joint probabilities M × C of the models that were trained without the fold's people."""


def distill_fold(job: FoldJob, settings: Distillation, teach: Teach) -> Predictions:
    """Train on everybody but the held-out people, with the teacher's probabilities; then predict those."""
    write_input_spec(job)
    people = assign_people(job)
    photos = people.training
    path, n_classes = job.folder / TEACHER, job.recipe.task.n_classes
    if not from_first(path.exists):
        soft_MC = soft_target(
            teach(job.fold, photos.table.photo_N).astype(np.float64), temperature=settings.temperature
        )
        write_pseudo_labels(PseudoLabels(photos.table.photo_N, soft_MC, np.ones(len(soft_MC))), path)
    rows = from_first(lambda: read_pseudo_labels(path, n_classes))
    job.listener.on_note(f"fold {job.fold}: learns from the teacher's predictions of {len(photos.table):,} photos")
    return fit_and_predict(job, people.train_on(with_teacher(photos, rows)))


def with_teacher(photos: PhotoSet, rows: PseudoLabels) -> PhotoSet:
    """``photos`` with their labels as one-hot rows of weight 1, and the teacher's rows beside them."""
    place_N: Ints = rows_of(photos.table.photo_N.tolist(), rows.photo_id_M)
    teacher_NC = rows.target_MC[place_N].astype(np.float32)
    one_hot_NC = np.eye(teacher_NC.shape[1], dtype=np.float32)[photos.table.train_class_N]
    weight_N = np.ones(len(one_hot_NC), np.float32)
    return dataclasses.replace(photos, rows=TargetRows(one_hot_NC, weight_N, teacher_NC))
