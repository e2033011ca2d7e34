"""The sizes in which a series of recipes can be trained: changes that reach every recipe alike. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maskwise.errors import must
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import change_recipe, load_recipe


@dataclass(frozen=True)
class Changes:
    """``path=value`` changes, as ``--set`` takes them, of every recipe that has what they change."""

    of_what: str
    """The recipes, in words."""
    fits: Callable[[Recipe], bool]
    settings: tuple[str, ...]

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.of_what}: {' '.join(self.settings)}"


@dataclass(frozen=True)
class Budget:
    """A size in which a whole series can be trained."""

    name: str
    changes: tuple[Changes, ...]


def sized_recipe(reference: str, name: str, budget: Budget, own_changes: Sequence[str] = ()) -> Recipe:
    """The shipped recipe ``reference`` in the size of ``budget``, called ``name``.

    ``own_changes`` (``path=value``) come last, so they win. Raises ``RecipeError``.
    """
    shipped = load_recipe(reference)
    settings = [setting for changes in budget.changes if changes.fits(shipped) for setting in changes.settings]
    sized = load_recipe(reference, [*settings, f"name={name}"])
    return change_recipe(sized, f"recipe {reference}", own_changes)


def scoreless(recipe: Recipe) -> list[str]:
    """The problem of a series whose runs would hold nobody out, if this is one."""
    if recipe.split.kind != "everyone":
        return []
    return [must("split.kind", "one that holds people out", "everyone", "Leave out the --set.")]


def format_budget(budget: Budget, own_changes: Sequence[str], every: str) -> list[str]:
    """What the recipes are changed by, one line a group of recipes; ``every`` names them all: ``every rung``."""
    lines = [f"budget {budget.name}, {changes}" for changes in budget.changes]
    if own_changes:
        lines.append(f"--set, {every}: {' '.join(own_changes)}")
    return lines or [f"budget {budget.name}: the recipes as they are shipped"]
