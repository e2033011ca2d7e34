"""From YAML and ``--set`` to a validated recipe, and back to YAML. All problems of a recipe are reported together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from maskwise.errors import RecipeError, must, nearest
from maskwise.files import at_home
from maskwise.recipe.changes import apply_changes
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import validated
from maskwise.recipe.strict_yaml import read_settings, read_settings_file, write_yaml

LADDER = "ladder"
"""The folder of the recipes that retrace the source write-up day by day."""
_RECIPES = resources.files("maskwise") / "recipes"


def shipped_names() -> list[str]:
    """Names of the recipes that come with maskwise; those of the ladder are apart, in ``ladder_names``."""
    return _names_in(_RECIPES)


def ladder_names() -> list[str]:
    """Names of the shipped recipes of the ladder: ladder/day-01, ladder/day-02 …"""
    return [f"{LADDER}/{name}" for name in _names_in(_RECIPES / LADDER)]


def shipped_text(name: str) -> str:
    """The YAML of the shipped recipe ``name``. Raises ``RecipeError`` for another name, with the nearest."""
    names = [*shipped_names(), *ladder_names()]
    if name not in names:
        raise RecipeError(must("recipe", "a shipped one or a .yaml file", name, nearest(name, names)))
    return _RECIPES.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def shipped_summary(name: str) -> str:
    """What the shipped recipe ``name`` is for: the first sentence after the two remarks on command and cost."""
    remarks: list[str] = []
    for line in shipped_text(name).splitlines():
        if not line.startswith("#"):
            break
        # A line that is indented goes on with the remark above it.
        if line.startswith("#   ") and remarks:
            remarks[-1] += f" {line.lstrip('# ')}"
        else:
            remarks.append(line.lstrip("# "))
    return " ".join(remarks[2:]).split(". ")[0].rstrip(".") + "."


def load_recipe(reference: str, changes: Sequence[str] = ()) -> Recipe:
    """The shipped recipe or YAML file ``reference`` with ``path=value`` changes applied. Raises ``RecipeError``."""
    path = at_home(reference)
    if not reference.endswith((".yaml", ".yml")) and not path.is_file():
        return parse_recipe(shipped_text(reference), f"recipe {reference}", changes)
    return parse_recipe(read_settings_file(path, "recipe", shipped_names()), str(path), changes)


def parse_recipe(text: str, source: str, changes: Sequence[str] = ()) -> Recipe:
    """Validate the YAML ``text`` from ``source``, changed by ``path=value`` items (see ``changes``).

    Raises ``RecipeError`` with every problem of the changes, or else of the settings, one line each.
    """
    settings = read_settings(text, source, "`maskwise recipes show quick`")
    if changes:
        settings = _spelled_out(settings)
        apply_changes(settings, changes)
    return validated(Recipe, settings, source)


def change_recipe(recipe: Recipe, source: str, changes: Sequence[str]) -> Recipe:
    """``recipe`` with ``path=value`` changes applied, as ``parse_recipe`` applies them. Raises ``RecipeError``."""
    settings = recipe.model_dump(mode="json")
    apply_changes(settings, changes)
    return validated(Recipe, settings, source)


def _spelled_out(settings: dict[str, Any]) -> dict[str, Any]:
    """``settings`` with all defaults, so that a change reaches what the file leaves out; unchanged if not valid yet."""
    try:
        return Recipe.model_validate_json(json.dumps(settings)).model_dump(mode="json")
    except ValidationError:
        return settings


def dump_recipe(recipe: Recipe) -> str:
    """``recipe`` as YAML with every setting written out; ``parse_recipe`` reads it back equal."""
    return write_yaml(recipe.model_dump(mode="json"))


def _names_in(folder: Traversable) -> list[str]:
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
