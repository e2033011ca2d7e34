"""From YAML and ``--set`` to a validated recipe, and back to YAML. All problems of a recipe are told together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from maskwise.errors import RecipeError, nearest
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import explain


def shipped_names() -> list[str]:
    """Names of the recipes that come with maskwise."""
    folder = resources.files("maskwise") / "recipes"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def shipped_text(name: str) -> str:
    """The YAML of the shipped recipe ``name``."""
    if name not in shipped_names():
        raise RecipeError(f"there is no shipped recipe {name!r}. {nearest(name, shipped_names())}")
    return (resources.files("maskwise") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")


def shipped_summary(name: str) -> str:
    """What the shipped recipe ``name`` is for: the last of its first lines' comments, up to the first sentence's end."""
    comments = [line.lstrip("# ") for line in shipped_text(name).splitlines() if line.startswith("#")]
    purpose = " ".join(comments[2:])
    return purpose.split(". ")[0].rstrip(".") + "."


def load_recipe(reference: str, changes: Sequence[str] = ()) -> Recipe:
    """The shipped recipe or YAML file ``reference`` with ``path=value`` changes applied. Raises ``RecipeError``."""
    path = Path(reference)
    if reference.endswith((".yaml", ".yml")) or path.is_file():
        if not path.is_file():
            raise RecipeError(f"there is no recipe file {reference}. Shipped ones: {', '.join(shipped_names())}.")
        text, source = path.read_text(encoding="utf-8"), str(path)
    else:
        text, source = shipped_text(reference), f"recipe {reference}"
    return parse_recipe(text, source, changes)


def parse_recipe(text: str, source: str, changes: Sequence[str] = ()) -> Recipe:
    """Validate the YAML ``text`` from ``source``, changed by ``path=value`` items."""
    settings = _read_yaml(text, source)
    if not isinstance(settings, dict):
        raise RecipeError(
            f"{source} must be a mapping of settings, got {type(settings).__name__}. See `maskwise recipes`."
        )
    for change in changes:
        _apply(settings, change)
    try:
        as_json = json.dumps(settings)
    except TypeError as error:
        raise RecipeError(f"{source} holds a value that a recipe cannot have ({error}). Quote it.") from None
    try:
        # JSON mode: strict about types, yet lists are tuples there.
        return Recipe.model_validate_json(as_json)
    except ValidationError as error:
        raise RecipeError([f"{source}: {line}" for line in explain(error, Recipe)]) from None


def dump_recipe(recipe: Recipe) -> str:
    """``recipe`` as YAML with every setting written out; ``parse_recipe`` reads it back equal."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _apply(settings: dict[str, Any], change: str) -> None:
    """Put ``a.b.c=value`` into ``settings``. Numbers in a path are positions in a list; the value is read as YAML."""
    address, equals, text = change.partition("=")
    if not equals or not address:
        raise RecipeError(f"--set must be path=value, got {change!r}. For example --set train.epochs=8.")
    value = _read_yaml(text, f"--set {change}")
    *parents, last = address.split(".")
    place: Any = settings
    for depth, key in enumerate(parents):
        place = _child(place, key, ".".join(parents[: depth + 1]), change)
    if isinstance(place, list):
        place[_position(place, last, address)] = value
        return
    # Another kind has other settings: what the old kind had is dropped, not carried over into an error.
    if last == "kind" and place.get("kind") != value:
        place.clear()
    place[last] = value


def _child(place: Any, key: str, address: str, change: str) -> Any:
    if isinstance(place, list):
        return place[_position(place, key, address)]
    child = place.setdefault(key, {})
    if child is None:
        child = place[key] = {}
    if not isinstance(child, dict | list):
        raise RecipeError(f"--set {change}: {address} is the single value {child!r}, not a group of settings.")
    return child


def _position(place: list[Any], key: str, address: str) -> int:
    if not key.isdigit() or int(key) >= len(place):
        raise RecipeError(f"--set: {address} must be a position from 0 to {len(place) - 1}, got {key!r}. Count from 0.")
    return int(key)


def _read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{source} must be YAML, got a syntax error: {reason}. Mend that line.") from None


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML without its two traps: a key given twice is an error, and 1e-3 is a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                twice = f"the key {key!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, twice, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
