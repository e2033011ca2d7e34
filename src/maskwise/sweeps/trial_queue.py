"""Where processes get their trials: one at a time, none twice, and those of killed processes again.

Whoever works on a trial holds its lock file in the store; the kernel lets go of it when the process dies, however it
dies. So a trial that is said to run and whose lock is free is taken up again, as the same trial, by the next process,
and its training goes on from the last saved state. That needs a store that all processes see, also with a database.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maskwise.errors import RecipeError, StoreError, UserError
from maskwise.files import locked, write_atomically
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe
from maskwise.seeds import rng_for
from maskwise.store.run_record import RunData
from maskwise.sweeps.dimensions import draw, grid_points
from maskwise.sweeps.load_space import Sweep
from maskwise.sweeps.sampling import TrialPick, build_pruner, build_sampler
from maskwise.sweeps.storage import SWEEPS, needed_optuna, open_storage, sweep_folder

SKIPPED = "skipped"
"""Why a trial was not trained; such trials do not count."""
REASON = "reason"
"""Why a trial failed."""
BEGAN = "began"
"""Whether the trial began its run; one that was begun otherwise is not deleted with it."""
SETTINGS = "settings"
"""Equal for trials that would train the same."""
RUN, SECONDS, MACRO_F1 = "run", "seconds", "macro_f1"
SPACE, BASE, DATA, STORE_ID = "space", "base", "data", "store"
_MOST_SKIPPED = 30
"""So many proposals in a row that cannot be trained, or were before: then there is nothing new to find."""


@dataclass
class Lease:
    """A trial to work on. Let go of it when it has ended, or was given up."""

    trial: Any
    """Optuna's."""
    recipe: Recipe
    held: contextlib.ExitStack
    taken_up: bool
    """Whether another process had begun it."""


@dataclass(frozen=True)
class TrialQueue:
    """A study that is open for work."""

    sweep: Sweep
    name: str
    study: Any
    """Optuna's."""
    folder: Path
    runs: int
    """So many trials are given out in all, those of other processes and earlier calls included."""

    def lease(self) -> Lease | Literal["wait", "done"]:
        """The next trial; "wait" where others work on theirs and no new one is due; "done" where all have ended."""
        with locked(self.folder / "claim.lock"):
            trials = self.trials()
            for trial in trials:
                lease = self._take_up(trial) if trial.state.name == "RUNNING" else None
                if lease is not None:
                    return lease
            lease = self._new_lease() if self._is_due(trials) else None
            if lease is not None:
                return lease
            return "wait" if any(trial.state.name == "RUNNING" for trial in self.trials()) else "done"

    def trials(self) -> list[Any]:
        """All trials by number, frozen."""
        return list(self.study.get_trials(deepcopy=False))

    def _is_due(self, trials: list[Any]) -> bool:
        waiting = any(trial.state.name == "WAITING" for trial in trials)
        if self.sweep.space.sampler.kind == "grid" and not waiting:
            return False
        return sum(counts(trial) for trial in trials) < self.runs

    def _take_up(self, frozen: Any) -> Lease | None:
        """The trial of a killed process; None where it is alive, or where the trial cannot be trained after all."""
        held = self._lock(frozen.number)
        if held is None:
            return None
        self._seed(frozen.number)
        # Optuna gives a trial out once; its class stands for one that is running already, too.
        trial = needed_optuna().trial.Trial(self.study, frozen._trial_id)
        return self._settle(trial, held, taken_up=True)

    def _new_lease(self) -> Lease | None:
        for _ in range(_MOST_SKIPPED):
            trials = self.trials()
            if not self._is_due(trials):
                return None
            self._seed(len(trials))
            trial = self.study.ask()
            held = self._lock(trial.number)
            assert held is not None, "a new trial is nobody else's"
            if (lease := self._settle(trial, held, taken_up=False)) is not None:
                return lease
        return None

    def _settle(self, trial: Any, held: contextlib.ExitStack, *, taken_up: bool) -> Lease | None:
        """What the trial trains. One that cannot be trained or is another's twin is noted as failed, and is None."""
        params = draw(self.sweep.dimensions, TrialPick(trial))
        try:
            recipe = self.sweep.recipe(params, f"{self.sweep.space.name}-{trial.number}")
        except RecipeError as error:
            self._skip(trial, held, error.problems[0])
            return None
        settings = run_id(recipe, "")
        twins = [
            other.number
            for other in self.trials()
            if other.user_attrs.get(SETTINGS) == settings and other.number < trial.number and counts(other)
        ]
        if twins:
            self._skip(trial, held, f"the same as trial {twins[0]}")
            return None
        trial.set_user_attr(SETTINGS, settings)
        return Lease(trial, recipe, held, taken_up)

    def _skip(self, trial: Any, held: contextlib.ExitStack, reason: str) -> None:
        trial.set_user_attr(SKIPPED, reason)
        self.study.tell(trial, state=needed_optuna().trial.TrialState.FAIL)
        held.close()

    def _seed(self, number: int) -> None:
        space = self.sweep.space
        self.study.sampler = build_sampler(space.sampler, space.seed, number)

    def _lock(self, number: int) -> contextlib.ExitStack | None:
        """The lock of a trial; None where another process works on it."""
        held = contextlib.ExitStack()
        try:
            held.enter_context(locked(self.folder / f"trial-{number}.lock", busy="busy"))
        except StoreError:
            return None
        return held


def counts(trial: Any) -> bool:
    """Whether a trial is one of the runs of the sweep: not one that waits or was skipped."""
    return trial.state.name != "WAITING" and SKIPPED not in trial.user_attrs


def open_queue(sweep: Sweep, data: RunData, store: Path, url: str | None, runs: int) -> TrialQueue:
    """The study of this sweep on these data, begun now where nobody has. ``UserError`` for an unusable storage."""
    optuna = needed_optuna()
    name = sweep.study_name(data.decisive)
    # The tables of a new database must not be made by two processes at once.
    with locked(store / SWEEPS / "open.lock"):
        storage = open_storage(url, store, name)
    with locked(sweep_folder(store, name) / "claim.lock"):
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=build_pruner(sweep.space.pruning),
        )
        queue = TrialQueue(sweep, name, study, sweep_folder(store, name), runs)
        _refuse_other_store(queue)
        _write_down(queue, data)
        return queue


def _refuse_other_store(queue: TrialQueue) -> None:
    """A study's processes must share a store: its locks say who is alive, its runs what was found."""
    path, kept = queue.folder / "store.id", queue.study.user_attrs.get(STORE_ID)
    here = path.read_text().strip() if path.exists() else None
    if kept is None:
        here = here or uuid.uuid4().hex
        write_atomically(path, f"{here}\n")
        queue.study.set_user_attr(STORE_ID, here)
    elif here != kept:
        raise UserError(
            f"--store must be the folder in which the study {queue.name} was begun, got another "
            f"({queue.folder.parent.parent}). Share that folder, or take another database."
        )


def _write_down(queue: TrialQueue, data: RunData) -> None:
    """What `maskwise sweep show` needs, and the points of a grid. A kill on the way is made good by the next call."""
    study, sweep = queue.study, queue.sweep
    if study.user_attrs.get(DATA) is not None:
        return
    if sweep.space.sampler.kind == "grid":
        points = grid_points(sweep.dimensions)
        for place in rng_for(sweep.space.seed, "grid").permutation(len(points)).tolist():
            study.enqueue_trial(points[place], skip_if_exists=True)
    study.set_user_attr(SPACE, json.dumps(sweep.space.model_dump(mode="json")))
    study.set_user_attr(BASE, dump_recipe(sweep.base))
    study.set_user_attr(DATA, {"name": data.name, "decisive": data.decisive})
