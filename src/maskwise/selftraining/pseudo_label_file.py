"""Pseudo-labels as a CSV: photo, weight and the target row p_0, p_1 …; nothing is rounded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from maskwise.errors import DataError, must
from maskwise.files import sha256_of, write_atomically
from maskwise.selftraining.select import PseudoLabels
from maskwise.tables import csv_text, read_csv


def write_pseudo_labels(labels: PseudoLabels, path: Path) -> None:
    """Write ``labels`` whole or not at all; an existing file is replaced."""
    header = ["photo", "weight", *_target_columns(labels.target_MC.shape[1])]
    columns = zip(labels.photo_id_M.tolist(), labels.weight_M.tolist(), labels.target_MC.tolist(), strict=True)
    # The shortest text of a float reads back as the same float. Names of files need not be UTF-8.
    text = csv_text([header, *([photo, weight, *target_C] for photo, weight, target_C in columns)])
    data = text.encode("utf-8", errors="surrogateescape")
    write_atomically(_sum_path(path), hashlib.sha256(data).hexdigest())
    write_atomically(path, data)


def read_pseudo_labels(path: Path, n_classes: int) -> PseudoLabels:
    """What ``write_pseudo_labels`` wrote: M rows of ``n_classes`` probabilities. ``DataError`` for anything else."""
    remedy = "Delete it, and train again: the run goes on from there."
    if _sum_path(path).is_file() and sha256_of(path) != _sum_path(path).read_text(encoding="utf-8", errors="replace"):
        raise DataError(must(str(path), "as the training wrote it", "a changed or damaged one", remedy))
    names = ["weight", *_target_columns(n_classes)]
    table = read_csv(path, ["photo", *names], undecodable="surrogateescape")
    try:
        numbers = np.array([table.columns[name] for name in names], dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path} must hold numbers, got something else ({error}). {remedy}") from None
    photo_id_M = np.array(table.columns["photo"], dtype=object)
    return PseudoLabels(photo_id_M, np.ascontiguousarray(numbers[1:].T), numbers[0])


def _sum_path(path: Path) -> Path:
    """Where the SHA-256 of the file is kept; earlier versions kept none."""
    return path.with_name(f"{path.name}.sha256")


def _target_columns(n_classes: int) -> list[str]:
    return [f"p_{number}" for number in range(n_classes)]
