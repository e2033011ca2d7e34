"""The finished run of a recipe: from the store where it is there, else trained now, unless another process has it."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.errors import StoreError
from maskwise.files import locked
from maskwise.fitting.choose_precision import is_settled, settle_precision
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.store.layout import LOCK
from maskwise.store.run_record import RunData
from maskwise.store.runs import StoredRun, list_runs, read_finished
from maskwise.workflows.run_recipe import Place, run_recipe

_MOST_WAITS = 3
"""A run that still cannot be had after so many other processes has another fault, which is then reported."""


def train_or_read(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
    """The finished run of ``recipe`` on the data: from the store where it is there, else trained now."""
    if not is_settled(recipe):
        recipe, _ = settle_precision(recipe, len(read_labels(recipe, place.data).table), place.cache, listener)
    found = find_finished(recipe, place, listener)
    if found is not None:
        return found
    folder, _ = run_recipe(recipe, place, command, listener)
    return StoredRun(folder, read_finished(folder))


def train_unless_busy(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun | None:
    """The finished run of ``recipe``; None where another process holds it, or finished it just now."""
    try:
        return train_or_read(recipe, place, command, listener)
    except StoreError:
        # Only a run that is there can be another's; otherwise the store itself is at fault.
        if not runs_of(recipe, place):
            raise
        return None


def train_in_turn(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
    """The finished run of ``recipe``; waits for another process that happens to work on it."""
    for _ in range(_MOST_WAITS):
        if (run := train_unless_busy(recipe, place, command, listener)) is not None:
            return run
        listener.on_note(f"{recipe.name}: waits for the process that works on it")
        for busy in runs_of(recipe, place):
            with locked(busy.folder / LOCK):
                pass
    return train_or_read(recipe, place, command, listener)


def find_finished(recipe: Recipe, place: Place, listener: Listener) -> StoredRun | None:
    """The store's finished run of this recipe on the data as they are now, if it has one.

    The photos are only looked at where the store has a run of the recipe.
    """
    alike = [run for run in runs_of(recipe, place) if run.record.status == "finished"]
    if not alike:
        return None
    now = describe_data(recipe, place, listener)
    return next((run for run in alike if run.record.data.decisive == now.decisive), None)


def describe_data(recipe: Recipe, place: Place, listener: Listener) -> RunData:
    """The data that a run of ``recipe`` would be of; decodes photos that the cache has not."""
    return read_photos(recipe, read_labels(recipe, place.data), place.cache, listener).about


def runs_of(recipe: Recipe, place: Place) -> list[StoredRun]:
    """The store's runs of this recipe on any data, finished or not."""
    return [run for run in list_runs(place.store).runs if run.record.run_id == run_id(recipe, run.record.data.decisive)]
