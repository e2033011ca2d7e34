"""What was written down while a run was trained, epoch by epoch. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskwise.store.kept_files import read_log
from maskwise.store.layout import log_path
from maskwise.store.runs import StoredRun


@dataclass(frozen=True)
class TrainingCurve:
    """One training: a fold of a run, or a part's model in a fold."""

    name: str
    loss_E: tuple[float, ...]
    """Mean training loss of each epoch."""
    macro_f1_E: tuple[float, ...] | None
    """Macro F1 of the people who choose the epoch; None where nobody chooses."""
    kept_epoch: int
    """The number, from 1, of the last epoch that was the best so far: its weights are the run's."""


def read_curves(runs: tuple[StoredRun, ...]) -> tuple[TrainingCurve, ...]:
    """The trainings of all runs, as far as their logs are there; of self-training the last round."""
    curves = []
    for run in runs:
        folder, record = run
        for fold in range(record.folds):
            for part in record.part_names:
                words = [record.name if len(runs) > 1 else "", f"fold {fold}" if record.folds > 1 else "", part]
                if log_path(folder, fold, part).is_file():
                    curve = _curve(read_log(run, fold, part), " · ".join(filter(None, words)) or "training")
                    curves += [] if curve is None else [curve]
    return tuple(curves)


def _curve(log: Sequence[dict[str, Any]], name: str) -> TrainingCurve | None:
    epochs = {event["epoch"]: event for event in log}  # a training that went on after a kill reports an epoch anew
    rows = [epochs[number] for number in sorted(epochs)]
    if not rows:
        return None
    chosen = all(row["macro_f1"] is not None for row in rows)
    kept = max((number for number, row in enumerate(rows, start=1) if row["best"]), default=len(rows))
    return TrainingCurve(
        name=name,
        loss_E=tuple(float(row["loss"]) for row in rows),
        macro_f1_E=tuple(float(row["macro_f1"]) for row in rows) if chosen else None,
        kept_epoch=kept,
    )
