"""What a sweep found: its trials out of the study, their scores in pairs with the base out of the store. No torch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwise.errors import StoreError, UserError, must, nearest
from maskwise.evaluation.comparison import compare_arms
from maskwise.evaluation.shared_photos import align_arms
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import parse_recipe
from maskwise.score import Score
from maskwise.seeds import rng_for
from maskwise.store.runs import StoredRun, read_finished
from maskwise.sweeps.dimensions import Label, read_dimensions
from maskwise.sweeps.load_space import Sweep, parse_space
from maskwise.sweeps.storage import needed_optuna, open_storage, study_names
from maskwise.sweeps.trial_queue import BASE, DATA, MACRO_F1, REASON, RUN, SECONDS, SKIPPED, SPACE
from maskwise.workflows.join_runs import read_members

_FEWEST_FOR_IMPORTANCE = 8
"""With fewer runs the shares are noise."""


@dataclass(frozen=True)
class TrialRow:
    """A finished trial."""

    number: int
    params: dict[str, Label]
    run_id: str
    macro_f1: Score
    gain: Score | None
    """Over the base, in pairs by person; None where a run was deleted since."""
    seconds: float


@dataclass(frozen=True)
class GivenUp:
    """A trial that was pruned."""

    number: int
    params: dict[str, Label]
    steps: int
    """Epochs that were trained; over all folds."""
    last_value: float
    """Macro F1 of the validation people."""
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A trial that came to nothing."""

    number: int
    params: dict[str, Label]
    reason: str
    was_skipped: bool
    """Whether it was never trained: refused, or another trial's twin."""


@dataclass(frozen=True)
class SweepResults:
    """All of it; ``rows`` best first."""

    study_name: str
    sweep: Sweep
    data_name: str
    decisive: str
    rows: tuple[TrialRow, ...]
    pruned: tuple[GivenUp, ...]
    failed: tuple[Failed, ...]
    running: tuple[int, ...]
    """Numbers of trials that have not ended yet."""
    base: StoredRun | None
    """The base's finished run; None where it is not there."""
    importance: dict[str, float]
    """Shares of the settings, largest first; empty where there are too few runs to say."""

    @property
    def optimistic(self) -> bool:
        """Whether checkpoints are chosen on the scored people."""
        return self.sweep.base.optimistic


def find_study(store: Path, url: str | None, name: str) -> Any:
    """The study of this name, or of the one name that begins so. ``UserError`` where there is none."""
    optuna = needed_optuna()
    known = study_names(store)
    fitting = [name] if name in known else [each for each in known if each.startswith(name)]
    if len(fitting) != 1:
        rule = f"one of those begun in {store}"
        raise UserError(must("a sweep to show", rule, name, nearest(name, known) if known else "There is none yet."))
    try:
        return optuna.load_study(study_name=fitting[0], storage=open_storage(url, store, fitting[0]))
    except KeyError:
        remedy = "Give the --storage that it was begun with." if url is None else "Choose its --storage."
        raise UserError(must("the study", "in this storage", f"{fitting[0]}, which is not", remedy)) from None


def read_results(study: Any, store: Path) -> SweepResults:
    """The results of ``study`` so far. ``UserError`` for a study that nobody has written down yet."""
    noted = study.user_attrs
    if DATA not in noted:
        raise UserError(f"the sweep {study.study_name} must have begun, got one without a trial. Run it first.")
    space = parse_space(noted[SPACE], study.study_name)
    base = parse_recipe(noted[BASE], study.study_name)
    sweep = Sweep(space, base, read_dimensions(space, study.study_name))
    trials = list(study.get_trials(deepcopy=False))
    by_state = {name: [each for each in trials if each.state.name == name] for name in _STATES}
    base_run = finished_run(store / run_id(base, noted[DATA]["decisive"]))
    rows = [_row(trial, base_run, store) for trial in by_state["COMPLETE"]]
    return SweepResults(
        study_name=study.study_name,
        sweep=sweep,
        data_name=noted[DATA]["name"],
        decisive=noted[DATA]["decisive"],
        rows=tuple(sorted(rows, key=lambda row: -row.macro_f1.value)),
        pruned=tuple(map(_given_up, by_state["PRUNED"])),
        failed=tuple(map(_failed, by_state["FAIL"])),
        running=tuple(trial.number for trial in by_state["RUNNING"]),
        base=base_run,
        importance=importance_of(study) if len(rows) >= _FEWEST_FOR_IMPORTANCE else {},
    )


def importance_of(study: Any) -> dict[str, float]:
    """How much of what sets the best tenth of the finished runs apart each setting explains; they sum to 1.

    PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255). Empty where nothing varies.
    """
    importance = needed_optuna().importance
    with warnings.catch_warnings():
        # Optuna marks parts of it as experimental at every call.
        warnings.simplefilter("ignore")
        found = importance.get_param_importances(study, normalize=False)
    total = sum(found.values())
    return {name: value / total for name, value in found.items()} if total > 0 else {}


def paired_gain(base: Sequence[StoredRun], other: Sequence[StoredRun]) -> Score | None:
    """Macro F1 of ``other`` less that of ``base`` on the same held-out people; None where predictions are gone."""
    try:
        predictions, task = read_members([*base, *other])
    except UserError:
        return None
    n = len(base)
    arms = align_arms([predictions[:n], predictions[n:]], task)
    return compare_arms(arms, rng_for(0, "intervals")).joint.macro_f1.gain


_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING")


def _row(trial: Any, base: StoredRun | None, store: Path) -> TrialRow:
    run = finished_run(store / trial.user_attrs[RUN])
    value, low, high = (math.nan if bound is None else float(bound) for bound in trial.user_attrs[MACRO_F1])
    gain = None if base is None or run is None else paired_gain([base], [run])
    seconds = float(trial.user_attrs[SECONDS])
    return TrialRow(trial.number, dict(trial.params), trial.user_attrs[RUN], Score(value, low, high), gain, seconds)


def _given_up(trial: Any) -> GivenUp:
    step = trial.last_step
    value = math.nan if step is None else float(trial.intermediate_values[step])
    return GivenUp(trial.number, dict(trial.params), step or 0, value, float(trial.user_attrs.get(SECONDS, 0.0)))


def _failed(trial: Any) -> Failed:
    noted = trial.user_attrs
    skipped = SKIPPED in noted
    return Failed(trial.number, dict(trial.params), noted.get(SKIPPED) or noted.get(REASON, "no reason given"), skipped)


def finished_run(folder: Path) -> StoredRun | None:
    """The run in ``folder``; None where none is that is finished."""
    try:
        return StoredRun(folder, read_finished(folder))
    except StoreError:
        return None
