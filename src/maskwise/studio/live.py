"""A training as it goes: how far it is and its curves, read from the run's logs. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from maskwise.errors import StoreError, must
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.reports.training_curves import TrainingCurve, read_curves
from maskwise.store.kept_files import read_log
from maskwise.store.layout import RECORD, log_path
from maskwise.store.runs import StoredRun
from maskwise.training.fold_files import DONE

_QUIET_AT_LEAST_S, _QUIET_EPOCHS = 600.0, 5
"""No sign for so long, and for so many epochs: the training may have stopped."""


@dataclass(frozen=True)
class TrainingProgress:
    """What the logs of a run say."""

    curves: tuple[TrainingCurve, ...]
    epochs_done: int
    epochs: int
    """Of all folds and parts; fewer may be needed where a training stops early."""
    epoch_seconds: float | None
    """Mean of the epochs so far; None before the first."""
    silent_s: float
    """Since the run's last sign."""

    @property
    def seconds_left(self) -> float | None:
        """At the mean pace so far."""
        return None if self.epoch_seconds is None else self.epoch_seconds * (self.epochs - self.epochs_done)

    @property
    def may_have_stopped(self) -> bool:
        """Whether there was no sign for longer than epochs take."""
        return self.silent_s > max(_QUIET_AT_LEAST_S, _QUIET_EPOCHS * (self.epoch_seconds or 0.0))


def read_progress(run: StoredRun, now_s: float) -> TrainingProgress:
    """The progress of ``run`` at ``now_s`` (seconds since 1970). ``StoreError`` for damaged logs and recipes."""
    try:
        recipe = Recipe.model_validate_json(json.dumps(run.record.recipe))
    except ValidationError:
        place = f"the recipe of run {run.record.run_id}"
        raise StoreError(must(place, "of this version", "one of another", "Train it anew with this one.")) from None
    done = planned = 0
    seconds = 0.0
    signs = [(run.folder / RECORD).stat().st_mtime]
    for fold in range(run.record.folds):
        for part in single_recipes(recipe):
            path = log_path(run.folder, fold, part.name)
            log = read_log(run, fold, part.name) if path.is_file() else []
            epochs = len({event["epoch"] for event in log})
            done += epochs
            planned += epochs if (path.parent / DONE).exists() else max(part.recipe.train.epochs, epochs)
            seconds += sum(float(event["seconds"]) for event in log)
            signs += [path.stat().st_mtime] if log else []
    pace = seconds / done if done else None
    return TrainingProgress(read_curves((run,)), done, planned, pace, max(0.0, now_s - max(signs)))
