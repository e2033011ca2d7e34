"""A series of recipes: what would be refused of any of them is refused before the first is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maskwise.errors import UserError
from maskwise.files import refuse_unwritable
from maskwise.fitting.expected_time import series_line
from maskwise.fitting.refuse_early import refuse_impossible, split_people
from maskwise.fitting.run_data import read_labels
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.single_recipes import single_recipes
from maskwise.store.run_record import folder_text
from maskwise.store.runs import list_runs
from maskwise.workflows.run_recipe import Place


def refuse_impossible_series(recipes: Sequence[Recipe]) -> None:
    """Refuse what recipes and machine alone show, without looking at the data: as ``refuse_impossible``, together."""
    _refuse_together({_needs(recipe): recipe for recipe in reversed(recipes)}, refuse_impossible)


def refuse_series(recipes: Sequence[Recipe], place: Place, listener: Listener) -> None:
    """Refuse whatever ``run_recipe`` would refuse of any of ``recipes`` before it reads a photo; all problems together.

    Seeds change nothing of it. Runs that the store has finished need nothing any more and are not looked at. A note
    says how many runs are left, and how long they take where that is known.
    """
    refuse_unwritable(place.store)
    left = _unfinished(recipes, place)
    refuse_impossible_series(left)
    alike = {run_id(recipe.model_copy(update={"seed": 0}), ""): recipe for recipe in reversed(left)}
    listener.on_stage("checking recipes", len(alike))
    n_photos = 0

    def check(recipe: Recipe) -> None:
        nonlocal n_photos
        manifest = read_labels(recipe, place.data)
        n_photos = max(n_photos, len(manifest.table))
        split_people(recipe, manifest)
        listener.on_advance(1)

    _refuse_together(alike, check)
    if len(left) > 1:
        listener.on_note(series_line(left, len(recipes) - len(left), n_photos, place.cache))


def _needs(recipe: Recipe) -> str:
    """Equal for recipes that need the same of the machine."""
    return repr(
        [
            (each.runtime.device, each.train.precision, each.train.batch_size, each.model, each.task)
            for _, each, _ in single_recipes(recipe)
        ]
    )


def _unfinished(recipes: Sequence[Recipe], place: Place) -> list[Recipe]:
    folder = folder_text(place.data)
    records = [run.record for run in list_runs(place.store).runs]
    records = [record for record in records if record.status == "finished" and record.data.folder == folder]
    finished, data = {record.run_id for record in records}, {record.data.decisive for record in records}
    return [recipe for recipe in recipes if finished.isdisjoint(run_id(recipe, each) for each in data)]


def _refuse_together(recipes: dict[str, Recipe], check: Callable[[Recipe], None]) -> None:
    """Every problem once, with the first recipe that has it, unless all have."""
    names_of: dict[str, list[str]] = {}
    errors: list[UserError] = []
    for recipe in [*recipes.values()][::-1]:
        try:
            check(recipe)
        except UserError as error:
            errors.append(error)
            for line in error.problems:
                names_of.setdefault(line, []).append(recipe.name)
    if errors:
        lines = [line if len(names) == len(recipes) else f"{names[0]}: {line}" for line, names in names_of.items()]
        raise type(errors[0])(lines)
