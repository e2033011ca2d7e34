"""The finished run of a recipe: from the store where it is there, else trained now."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.fitting.choose_precision import settle_precision
from maskwise.fitting.photos import input_spec
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.store.runs import StoredRun, list_runs, read_finished
from maskwise.workflows.run_recipe import Place, run_recipe


def train_or_read(recipe: Recipe, place: Place, command: Sequence[str], listener: Listener) -> StoredRun:
    """The finished run of ``recipe`` on the data: from the store where it is there, else trained now."""
    if recipe.train.precision == "auto":
        recipe, _ = settle_precision(recipe, len(read_labels(recipe, place.data).table), place.cache, listener)
    found = find_finished(recipe, place, listener)
    if found is not None:
        return found
    folder, _ = run_recipe(recipe, place, command, listener)
    return StoredRun(folder, read_finished(folder))


def find_finished(recipe: Recipe, place: Place, listener: Listener) -> StoredRun | None:
    """The store's finished run of this recipe on the data as they are now, if it has one.

    The photos are only looked at where the store has a run of the recipe.
    """
    alike = [run for run in runs_of(recipe, place) if run.record.status == "finished"]
    if not alike:
        return None
    manifest = read_labels(recipe, place.data)
    now = read_photos(recipe, manifest, input_spec(recipe), place.cache, listener).about
    return next((run for run in alike if run.record.data.decisive == now.decisive), None)


def runs_of(recipe: Recipe, place: Place) -> list[StoredRun]:
    """The store's runs of this recipe on any data, finished or not."""
    return [run for run in list_runs(place.store).runs if run.record.run_id == run_id(recipe, run.record.data.decisive)]
