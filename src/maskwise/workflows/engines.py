"""Who trains the runs of a series: this process one after the other, or others ahead of it.

Every verb that trains many runs has one loop, and takes each run from an engine, else trains it. So a series is the
same whoever trains it, and what an engine left undone is done by the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from maskwise.files import BusyError, locked
from maskwise.fitting.choose_precision import is_settled
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.records import Predictions
from maskwise.store.layout import LOCK
from maskwise.store.runs import StoredRun, read_finished
from maskwise.store.write_runs import FinishedRunError, lock_run
from maskwise.workflows.run_recipe import Order, Place, Trained, finish_order, open_order
from maskwise.workflows.train_or_read import find_finished

Ahead = Callable[[Recipe], StoredRun | None]
"""The finished run of a recipe that others trained, or their error; None where this process trains it."""
SharedWork = Callable[[Listener], object]
"""A work that several processes do together, each asking for its next piece until there is none."""


class Engine(Protocol):
    """Trains runs ahead of the loop that needs them."""

    def train(self, orders: Sequence[Order], listener: Listener) -> Ahead:
        """Train all of ``orders``."""

    def share(self, work: SharedWork, most: int, listener: Listener) -> None:
        """Let at most ``most`` others do ``work`` together until it is done."""


class Serial:
    """Nothing is trained ahead: the loop of the verb trains one run after the other."""

    def train(self, orders: Sequence[Order], listener: Listener) -> Ahead:  # noqa: ARG002 (the engines' signature)
        """Nothing."""
        return lambda recipe: None  # noqa: ARG005

    def share(self, work: SharedWork, most: int, listener: Listener) -> None:
        """Nothing."""


SERIAL = Serial()


def series(recipes: Sequence[Recipe], place: Place, command: Sequence[str]) -> list[Order]:
    """The runs of a series, those that the store has finished included."""
    return [Order(recipe, place, tuple(command), takes_finished=True) for recipe in recipes]


def begin_order(order: Order, listener: Listener) -> Recipe | StoredRun:
    """Begin the run for those who will each train a model of it: its recipe, settled; or the finished run."""
    try:
        return open_order(order, listener).recipe
    except FinishedRunError as error:
        return _taken(order, error)


def train_one_model(order: Order, fold: int, part: str, listener: Listener) -> Predictions:
    """Train one model of a run beside others who train its other models; its predictions of the held-out people."""
    run = open_order(order, listener)
    (job,) = (each for each in run.jobs(fold, listener) if each.model.name == part)
    with lock_run(run.folder, shared=True), locked(job.folder / LOCK):
        return run.train(job)


def train_order(order: Order, trained: Trained, listener: Listener) -> StoredRun:
    """The finished run: trained, but for the models that are ``trained`` already, or as the store has it."""
    if order.takes_finished and not order.force and is_settled(order.recipe):
        found = find_finished(order.recipe, order.place, listener)
        if found is not None:
            return found
    while True:
        try:
            folder, _ = finish_order(order, trained, listener)
        except FinishedRunError as error:
            return _taken(order, error)
        except BusyError as error:
            if not order.takes_finished or error.lock is None:
                raise
            listener.on_note(f"{order.recipe.name}: waits for the process that works on it")
            with locked(error.lock):
                continue
        return StoredRun(folder, read_finished(folder))


def _taken(order: Order, finished: FinishedRunError) -> StoredRun:
    if not order.takes_finished or finished.folder is None:
        raise finished
    return StoredRun(finished.folder, read_finished(finished.folder))
