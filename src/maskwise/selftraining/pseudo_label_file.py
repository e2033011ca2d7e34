"""Pseudo-labels as a CSV: photo, weight and the target row p_0, p_1 …; nothing is rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwise.errors import DataError
from maskwise.files import write_atomically
from maskwise.selftraining.select import PseudoLabels
from maskwise.tables import csv_text, read_csv


def write_pseudo_labels(labels: PseudoLabels, path: Path) -> None:
    """Write ``labels`` whole or not at all; an existing file is replaced."""
    header = ["photo", "weight", *_target_columns(labels.target_MC.shape[1])]
    columns = zip(labels.photo_id_M.tolist(), labels.weight_M.tolist(), labels.target_MC.tolist(), strict=True)
    # The shortest text of a float reads back as the same float. Names of files need not be UTF-8.
    text = csv_text([header, *([photo, weight, *target_C] for photo, weight, target_C in columns)])
    write_atomically(path, text.encode("utf-8", errors="surrogateescape"))


def read_pseudo_labels(path: Path, n_classes: int) -> PseudoLabels:
    """What ``write_pseudo_labels`` wrote: M rows of ``n_classes`` probabilities. ``DataError`` for anything else."""
    names = ["weight", *_target_columns(n_classes)]
    table = read_csv(path, ["photo", *names], undecodable="surrogateescape")
    try:
        numbers = np.array([table.columns[name] for name in names], dtype=np.float64)
    except ValueError as error:
        remedy = "Delete it, and train again: the run goes on from there."
        raise DataError(f"{path} must hold numbers, got something else ({error}). {remedy}") from None
    photo_id_M = np.array(table.columns["photo"], dtype=object)
    return PseudoLabels(photo_id_M, np.ascontiguousarray(numbers[1:].T), numbers[0])


def _target_columns(n_classes: int) -> list[str]:
    return [f"p_{number}" for number in range(n_classes)]
