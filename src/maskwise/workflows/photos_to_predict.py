"""The photos that ``predict`` is given, and their predictions as records; for runs and bundles alike. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import read_eval, read_folder
from maskwise.errors import DataError, must
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.probabilities import Probabilities
from maskwise.records import PhotoTable, Predictions


def list_photos(source: Path, task: Task) -> tuple[Path, PhotoTable]:
    """(the folder that photos are named from, the photos): of a folder, a data set's eval part, or one photo."""
    if source.is_file():
        table = read_folder(source.parent)
        return source.parent, table.take(table.photo_N == source.name)
    return source, read_eval(source, task) if (source / EVAL_CSV).is_file() else read_folder(source)


def read_photo(root: Path, name: str) -> bytes:
    """The bytes of a photo's file; ``DataError`` where it cannot be read."""
    try:
        return (root / name).read_bytes()
    except OSError as error:
        remedy = "Check it, or leave it out."
        raise DataError(must(name, "a readable file", error.strerror or "an error", remedy)) from None


def report_problems(problems: Sequence[str], skip_unreadable: bool, listener: Listener) -> None:
    """Refuse unreadable photos, all of them together, or with ``skip_unreadable`` note each."""
    if problems and not skip_unreadable:
        raise DataError([*problems, f"{len(problems)} photos must be readable. Fix them, or add --skip-unreadable."])
    for problem in problems:
        listener.on_note(f"left out: {problem}")


def as_predictions(table: PhotoTable, probabilities: Probabilities) -> Predictions:
    """Probabilities of new photos, in the order of ``table``."""
    return Predictions(
        photo_N=table.photo_N,
        person_N=table.person_N,
        class_N=table.class_N,
        probs_NC=probabilities.probs_NC,
        seen_N=np.full(len(table), "test", dtype=object),
        age_years_N=probabilities.age_years_N,
    )
