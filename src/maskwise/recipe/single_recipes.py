"""The single-model recipes that a recipe stands for: one for each part, or itself.

Whoever trains, loads or counts the models of a run goes through ``single_recipes`` and need not know whether it has
parts.
"""

from __future__ import annotations

from typing import NamedTuple

from maskwise.labels import PhotoGroup
from maskwise.recipe.config import Recipe
from maskwise.recipe.parts import part_names, with_part


class SingleRecipe(NamedTuple):
    """One model of a recipe, as if it were a recipe of its own."""

    name: str
    """As in ``gender-age``: the folder of the model within its fold; "" in a recipe without parts."""
    recipe: Recipe
    """An ordinary recipe, without parts; its task has the attributes of this model alone."""
    trains_on: PhotoGroup | None
    """The photos that train it; None: all."""


def single_recipes(recipe: Recipe) -> tuple[SingleRecipe, ...]:
    """The models of ``recipe``: one for each part in the order of the file, or one for the whole without parts."""
    if not recipe.parts:
        return (SingleRecipe("", recipe, None),)
    names = part_names([part.attributes for part in recipe.parts])
    return tuple(
        SingleRecipe(name, with_part(recipe, part), part.trains_on)
        for name, part in zip(names, recipe.parts, strict=True)
    )


def models_of(recipe: Recipe) -> list[tuple[int, str]]:
    """(fold, part) of every model that a run of ``recipe`` trains, in order."""
    folds = recipe.split.folds if recipe.split.kind == "k_fold" else 1
    return [(fold, single.name) for fold in range(folds) for single in single_recipes(recipe)]
