"""A sweep's story: the base, then trial by trial what the queue gives out, until all have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from maskwise.errors import DivergedError, RecipeError, WeightsError
from maskwise.listeners import Listener, Several
from maskwise.recipe.identity import run_id
from maskwise.store.run_record import RunData
from maskwise.store.runs import StoredRun, read_record
from maskwise.store.write_runs import discard_run
from maskwise.sweeps.confirm import note_confirmed, recipes_to_confirm
from maskwise.sweeps.format_sweep import settings_in_words
from maskwise.sweeps.load_space import Sweep
from maskwise.sweeps.results import SweepResults
from maskwise.sweeps.storage import needed_optuna
from maskwise.sweeps.trial_queue import BEGAN, MACRO_F1, REASON, RUN, SECONDS, Lease, TrialQueue, open_queue
from maskwise.sweeps.watch import PruningWatch
from maskwise.training.batch_size import is_out_of_memory
from maskwise.training.stopping import EndedEarly
from maskwise.workflows.engines import SERIAL, Engine, series
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_in_turn, train_unless_busy


@dataclass(frozen=True)
class SweepWork:
    """What does not change from trial to trial."""

    queue: TrialQueue
    place: Place
    data: RunData
    command: Sequence[str]
    listener: Listener
    ends_at_s: float
    """No trial begins after this moment of ``time.monotonic``; infinite without ``--minutes``."""
    engine: Engine = SERIAL
    poll_s: float = 2.0


def run_sweep(work: SweepWork) -> bool:
    """Train the base and all trials, together with whoever else works on the study; whether it came to the end.

    An interruption leaves the trial to the next process. What ``run_recipe`` refuses for reasons that another trial
    would share is refused here.
    """
    base_is_left = train_unless_busy(work.queue.sweep.base, work.place, work.command, work.listener) is None
    noted_waiting = False
    while time.monotonic() < work.ends_at_s:
        lease = work.queue.lease()
        if lease == "done":
            break
        if lease == "wait":
            if not noted_waiting:
                work.listener.on_note("waits for the trials of other processes")
            noted_waiting = True
            time.sleep(work.poll_s)
            continue
        noted_waiting = False
        with lease.held:
            work_on(lease, work)
    else:
        return False
    if base_is_left:
        train_in_turn(work.queue.sweep.base, work.place, work.command, work.listener)
    return True


def share_sweep(work: SweepWork, storage: str | None) -> None:
    """Let the workers of the engine do what there is of trials, each as ``run_sweep`` does."""
    queue = work.queue
    plan = SharedSweep(queue.sweep, work.data, work.place.resolved(), work.command, storage, queue.runs)
    work.engine.share(partial(plan.work_on, work.ends_at_s - time.monotonic()), queue.runs, work.listener)


@dataclass(frozen=True)
class SharedSweep:
    """A sweep as it travels to another process, which opens the study for itself."""

    sweep: Sweep
    data: RunData
    place: Place
    command: Sequence[str]
    storage: str | None
    runs: int

    def work_on(self, seconds: float, listener: Listener) -> bool:
        """Take trial by trial; none begins after so many seconds."""
        queue = open_queue(self.sweep, self.data, self.place.store, self.storage, self.runs)
        ends_at_s = time.monotonic() + seconds
        return run_sweep(SweepWork(queue, self.place, self.data, self.command, listener, ends_at_s))


def confirm_best(work: SweepWork, results: SweepResults, best: int, seeds: int) -> None:
    """Train the base and the ``best`` first trials again, with ``seeds`` other seeds, on another split."""
    if not results.rows:
        return
    recipes = recipes_to_confirm(results, best, seeds)
    ahead = work.engine.train(series(recipes, work.place, work.command), work.listener)
    left = []
    for number, recipe in enumerate(recipes, start=1):
        work.listener.on_note(f"{recipe.name}, seed {recipe.seed}: {number} of {len(recipes)} to confirm")
        run = ahead(recipe) or train_unless_busy(recipe, work.place, work.command, work.listener)
        if run is None:
            left.append(recipe)
    for recipe in left:
        train_in_turn(recipe, work.place, work.command, work.listener)
    note_confirmed(work.queue.study, results, best, seeds)


def work_on(lease: Lease, work: SweepWork) -> None:
    """Train the trial, or read what the store has of it, and note how it ended."""
    trial, recipe, listener = lease.trial, lease.recipe, work.listener
    state = needed_optuna().trial.TrialState
    again = ", which another process had begun" if lease.taken_up else ""
    listener.on_note(f"trial {trial.number}{again}: {settings_in_words(trial.params)}")
    note_who_began(lease, work)
    watch = PruningWatch(trial, recipe, listener)
    try:
        run = train_in_turn(recipe, work.place, work.command, Several([listener, watch]))
    except EndedEarly as end:
        forget_run(lease, work)
        trial.set_user_attr(SECONDS, watch.seconds)
        work.queue.study.tell(trial, state=state.PRUNED)
        listener.on_note(f"trial {trial.number}: given up, {end}")
        return
    except (DivergedError, RecipeError, WeightsError) as error:
        fail(lease, work, error.problems[0], watch.seconds)
        return
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        fail(lease, work, f"out of memory ({str(error).splitlines()[0]})", watch.seconds)
        return
    watch.read_log(run)
    tell_score(lease, work, run)


def tell_score(lease: Lease, work: SweepWork, run: StoredRun) -> None:
    """Write the held-out macro F1 down; one that is no number is a failure."""
    scores, trial = run.record.scores, lease.trial
    value = float("nan") if scores is None else scores.macro_f1.value
    if scores is None or not np.isfinite(value):
        fail(lease, work, "its score is no number", run.record.seconds)
        return
    trial.set_user_attr(RUN, run.record.run_id)
    trial.set_user_attr(SECONDS, run.record.seconds)
    bounds = [bound if np.isfinite(bound) else None for bound in (scores.macro_f1.low, scores.macro_f1.high)]
    trial.set_user_attr(MACRO_F1, [value, *bounds])
    work.queue.study.tell(trial, value)
    work.listener.on_note(f"trial {trial.number}: macro F1 {value:.4f}")


def fail(lease: Lease, work: SweepWork, reason: str, seconds: float) -> None:
    """Record a failed trial with its reason; its unfinished run goes."""
    forget_run(lease, work)
    lease.trial.set_user_attr(REASON, reason)
    lease.trial.set_user_attr(SECONDS, seconds)
    work.queue.study.tell(lease.trial, state=needed_optuna().trial.TrialState.FAIL)
    work.listener.on_note(f"trial {lease.trial.number}: failed: {reason}")


def note_who_began(lease: Lease, work: SweepWork) -> None:
    """Write down whether the trial begins its run, or goes on with one that the user began otherwise."""
    if BEGAN not in lease.trial.user_attrs:
        folder = work.place.store / run_id(lease.recipe, work.data.decisive)
        lease.trial.set_user_attr(BEGAN, not folder.exists())


def forget_run(lease: Lease, work: SweepWork) -> None:
    """Delete what a trial left unfinished, so that no half-trained run stays; not what the user began otherwise."""
    folder = work.place.store / run_id(lease.recipe, work.data.decisive)
    if lease.trial.user_attrs[BEGAN] and folder.exists() and read_record(folder).status != "finished":
        discard_run(folder)
