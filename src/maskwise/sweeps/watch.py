"""Watching a trial's epochs: each reports the macro F1 of its validation people to the study, and may be the last."""

from __future__ import annotations

from typing import Any

from maskwise.listeners import EpochReport, Listener, Silent
from maskwise.recipe.config import Recipe
from maskwise.store.kept_files import read_log
from maskwise.store.layout import log_path
from maskwise.store.runs import StoredRun
from maskwise.training.stopping import EndedEarly


class PruningWatch(Silent):
    """Ends a training that the study's pruner gives up.

    It goes by the macro F1 of the people who choose the epoch: they are not trained on, nor are they those whose score
    is reported. Where nobody chooses, nothing is given up.
    """

    def __init__(self, trial: Any, recipe: Recipe, listener: Listener) -> None:
        self.trial, self.listener = trial, listener
        self.epochs = recipe.train.epochs
        self.folds = recipe.split.folds if recipe.split.kind == "k_fold" else 1
        # A model of several parts or rounds has no one row of epochs; pruning is refused there.
        self.one_row = not recipe.parts and recipe.self_training is None
        self.reported: dict[int, float] = dict(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
        self.seconds = 0.0

    def on_epoch(self, report: EpochReport) -> None:
        """Report the best macro F1 so far; raise ``EndedEarly`` where it gives the trial up."""
        self.seconds += report.seconds
        step = report.fold * self.epochs + report.epoch + 1
        best = self._report_score(step, report)
        if best is not None and step < self.folds * self.epochs and self.trial.should_prune():
            place = f"fold {report.fold + 1}, epoch" if self.folds > 1 else "epoch"
            raise EndedEarly(
                f"macro F1 {best:.4f} of the validation people after {place} {report.epoch + 1} is too low"
            )

    def read_log(self, run: StoredRun) -> None:
        """Report the epochs of a run that the store had finished already: others are held against them."""
        for fold in range(self.folds):
            for line in read_log(run, fold) if log_path(run.folder, fold).is_file() else []:
                report = EpochReport(**line)
                self._report_score(report.fold * self.epochs + report.epoch + 1, report)

    def _report_score(self, step: int, report: EpochReport) -> float | None:
        """The best macro F1 of the fold up to this step; None where nobody chooses."""
        if report.macro_f1 is None or not self.one_row:
            return None
        # The best epoch is kept, so it counts; and a resumed training may come by an epoch again.
        before = report.fold * self.epochs
        best = max([report.macro_f1, *(value for at, value in self.reported.items() if before < at < step)])
        if step not in self.reported:
            self.reported[step] = best
            self.trial.report(best, step)
        return best
