"""``--set path=value``: changes to the settings of a recipe before they are validated.

A path is the dotted address of a setting, ``train.optimizer.rate``; numbers in it are positions in a list, from 0. The
value is read as YAML. The order of the changes does not matter: a group is set before what is in it, and its kind
before its other settings, since another kind drops what the file said for the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from maskwise.errors import RecipeError
from maskwise.recipe.explain import shown
from maskwise.recipe.strict_yaml import read_yaml


class _Change(NamedTuple):
    text: str
    """As the user wrote it."""
    path: tuple[str, ...]
    value: Any


def apply_changes(settings: dict[str, Any], changes: Sequence[str]) -> None:
    """Put every ``path=value`` into ``settings``, in place. ``RecipeError`` names all that cannot be."""
    read: list[_Change] = []
    problems: list[str] = []
    for text in changes:
        try:
            read.append(_read_change(text))
        except RecipeError as error:
            problems += error.problems
    problems += _contradictions(read)
    for change in sorted(read, key=lambda each: (len(each.path), each.path[-1] != "kind")):
        try:
            _apply(settings, change)
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)


def _read_change(text: str) -> _Change:
    address, equals, value = text.partition("=")
    path = tuple(address.strip().split("."))
    if not equals or not all(path):
        raise RecipeError(f"--set must be path=value, got {text!r}. For example --set train.epochs=8.")
    return _Change(text, path, read_yaml(value, f"--set {text}"))


def _contradictions(changes: Sequence[_Change]) -> list[str]:
    first: dict[tuple[str, ...], _Change] = {}
    problems = []
    for change in changes:
        before = first.setdefault(change.path, change)
        if before is not change and before.value != change.value:
            address, values = ".".join(change.path), f"{shown(before.value)} and {shown(change.value)}"
            problems.append(f"--set {address} must be given once, got {values}. Leave one out.")
    return problems


def _apply(settings: dict[str, Any], change: _Change) -> None:
    *parents, last = change.path
    place: Any = settings
    for depth in range(len(parents)):
        place = _child(place, depth, change)
    if isinstance(place, list):
        place[_position(place, len(parents), change)] = change.value
        return
    if last == "kind" and place.get("kind", change.value) != change.value:
        place.clear()
    place[last] = change.value


def _child(place: Any, depth: int, change: _Change) -> Any:
    """What stands below ``place`` at the ``depth``-th word of the path; a group is made where there is nothing."""
    key, address = change.path[depth], ".".join(change.path[: depth + 1])
    if isinstance(place, list):
        child = place[_position(place, depth, change)]
    else:
        child = place.get(key)
        if child is None:
            child = place[key] = [] if change.path[depth + 1].isdigit() else {}
    if not isinstance(child, dict | list):
        rule = f"{address} must be a group of settings, got {shown(child)}"
        raise RecipeError(f"--set {change.text}: {rule}. Set {address} itself.")
    return child


def _position(place: list[Any], depth: int, change: _Change) -> int:
    key, address = change.path[depth], ".".join(change.path[:depth])
    if key.isascii() and key.isdigit() and int(key) < len(place):
        return int(key)
    if not place:
        raise RecipeError(f"--set {change.text}: {address} must have entries, got none. Set all of it: {address}=[…].")
    rule = f"a position from 0 to {len(place) - 1}" if len(place) > 1 else "the position 0"
    raise RecipeError(f"--set {change.text}: after {address} must come {rule}, got {key!r}. Positions count from 0.")
