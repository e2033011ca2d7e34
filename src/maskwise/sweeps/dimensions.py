"""What a sweep varies: lists of values, ranges, and ranges within a chosen value; and how a choice becomes changes.

A proposal is a dict of parameters by name. The name is the address of the setting; of a range that only exists within
a chosen value it is ``train.optimizer[sgd].rate``: the address, the value's label in brackets, the place within it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maskwise.errors import RecipeError, must
from maskwise.recipe.explain import infinite_numbers, shown, validated
from maskwise.sweeps.config import RANGE_KINDS, FloatRange, IntRange, Space

Label = str | int | float | bool | None
"""What stands for a value of a list; a value that is no group stands for itself."""
Params = Mapping[str, Label]
Proposal = dict[str, Label]
_MOST_GRID_POINTS = 1000


@dataclass(frozen=True)
class Option:
    """One value of a list."""

    label: Label
    value: Any
    ranges: tuple[tuple[str, IntRange | FloatRange], ...]
    """(place within the value, range): only sampled where this value is chosen."""


@dataclass(frozen=True)
class Choices:
    """One value of a list is chosen."""

    address: str
    options: tuple[Option, ...]

    def option(self, label: Label) -> Option:
        """The value that ``label`` stands for."""
        # True equals 1, so types are compared, too.
        return next(each for each in self.options if each.label == label and type(each.label) is type(label))

    def inner_name(self, option: Option, place: str) -> str:
        """The parameter's name of a range within a value."""
        return f"{self.address}[{option.label}].{place}"


@dataclass(frozen=True)
class Drawn:
    """A number out of a range."""

    address: str
    range: IntRange | FloatRange


Dimension = Choices | Drawn


class Pick(Protocol):
    """Who chooses: a sampler, chance, a test."""

    def label(self, name: str, labels: Sequence[Label]) -> Label:
        """One of ``labels``."""

    def number(self, name: str, within: IntRange | FloatRange) -> float:
        """A number of the range; a whole one for an IntRange."""


class RandomPick:
    """Chance, for checking a space."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def label(self, name: str, labels: Sequence[Label]) -> Label:  # noqa: ARG002  (a pick's signature)
        """Any, all alike."""
        return labels[int(self.rng.integers(len(labels)))]

    def number(self, name: str, within: IntRange | FloatRange) -> float:  # noqa: ARG002  (a pick's signature)
        """A multiple of the step above low, or any number, all alike."""
        if isinstance(within, IntRange):
            return int(self.rng.choice(np.arange(within.low, within.high + 1, within.step)))
        if within.log:
            return float(np.exp(self.rng.uniform(np.log(within.low), np.log(within.high))))
        return float(self.rng.uniform(within.low, within.high))


def read_dimensions(space: Space, source: str) -> tuple[Dimension, ...]:
    """The dimensions of ``space`` in its order. ``RecipeError`` names all that are none, one line each."""
    problems = _overlaps(space)
    found: list[Dimension] = []
    for address, entry in space.search.items():
        try:
            found.append(_read(address, entry))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError([f"{source}: {line}" for line in problems])
    return tuple(found)


def draw(dimensions: Sequence[Dimension], pick: Pick) -> Proposal:
    """A proposal: one value of each list, one number of each range, and the ranges within chosen values."""
    params: Proposal = {}
    for dimension in dimensions:
        if isinstance(dimension, Drawn):
            params[dimension.address] = pick.number(dimension.address, dimension.range)
            continue
        label = pick.label(dimension.address, [option.label for option in dimension.options])
        params[dimension.address] = label
        option = dimension.option(label)
        for place, within in option.ranges:
            name = dimension.inner_name(option, place)
            params[name] = pick.number(name, within)
    return params


def changes_of(dimensions: Sequence[Dimension], params: Params) -> list[str]:
    """What a proposal changes in the base, as ``path=value``. Dimensions without a parameter change nothing."""
    changes = []
    for dimension in dimensions:
        if dimension.address not in params:
            continue
        value = params[dimension.address] if isinstance(dimension, Drawn) else _filled(dimension, params)
        changes.append(f"{dimension.address}={json.dumps(value, ensure_ascii=False)}")
    return changes


def members(dimension: Dimension) -> Iterator[Proposal]:
    """Every value of a list, each with the two ends of its ranges; of a range its two ends."""
    if isinstance(dimension, Drawn):
        for end in _ends(dimension.range):
            yield {dimension.address: end}
        return
    for option in dimension.options:
        names = [dimension.inner_name(option, place) for place, _ in option.ranges]
        for ends in itertools.product(*(_ends(within) for _, within in option.ranges)):
            yield {dimension.address: option.label, **dict(zip(names, ends, strict=True))}


def grid_points(dimensions: Sequence[Dimension]) -> list[Proposal]:
    """Every combination. ``RecipeError`` for a range without steps, and for more than a thousand of them."""
    axes = [list(_grid_axis(dimension)) for dimension in dimensions]
    n_points = int(np.prod([len(axis) for axis in axes], dtype=np.int64))
    if n_points > _MOST_GRID_POINTS:
        rule = f"of at most {_MOST_GRID_POINTS:,} combinations"
        raise RecipeError(must("a grid", rule, f"{n_points:,}", "Widen the steps, or use the sampler tpe."))
    return [dict(itertools.chain.from_iterable(point.items() for point in parts)) for parts in itertools.product(*axes)]


def searched_below(address: str, other: str) -> bool:
    """Whether one of two addresses is the other or lies below it."""
    one, two = address.split("."), other.split(".")
    return all(a == b for a, b in zip(one, two, strict=False))


def _overlaps(space: Space) -> list[str]:
    pairs = list(itertools.combinations(space.search, 2))
    return [
        f"search.{two} must not lie within search.{one}, got both. Put the range into the values of {one}."
        for one, two in (sorted(pair, key=len) for pair in pairs)
        if searched_below(one, two)
    ] + [
        f"changes.{fixed} would have no effect, as search.{address} sets it. Leave it out."
        for fixed in space.changes
        for address in space.search
        if searched_below(fixed, address) and len(fixed.split(".")) >= len(address.split("."))
    ]


def _read(address: str, entry: Any) -> Dimension:
    thing = f"search.{address}"
    if not all(address.split(".")):
        raise RecipeError(must(thing, "an address like train.batch_size", address, "Correct the dots."))
    if problems := infinite_numbers(entry, thing):
        raise RecipeError(problems)
    if _is_range(entry):
        return Drawn(address, _read_range(thing, entry))
    if not isinstance(entry, list):
        rule, remedy = "a list of values or a range of kind int or float", "For example [16, 32]."
        raise RecipeError(f"{thing} must be {rule}, got {shown(entry)}. {remedy}")
    if len(entry) < 2:
        raise RecipeError(f"{thing} must have two values or more, got {shown(entry)}. Put a single one into changes.")
    ranges = [tuple(_ranges_in(value, "", thing)) for value in entry]
    options = [Option(*each) for each in zip(_labels(thing, entry), entry, ranges, strict=True)]
    return Choices(address, tuple(options))


def _is_range(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("kind") in RANGE_KINDS


def _read_range(thing: str, entry: Any) -> IntRange | FloatRange:
    return validated(IntRange, entry, thing) if entry["kind"] == "int" else validated(FloatRange, entry, thing)


def _ranges_in(value: Any, place: str, thing: str) -> Iterator[tuple[str, IntRange | FloatRange]]:
    """(place, range) of every range within a value of a list."""
    if _is_range(value):
        if not place:
            raise RecipeError(f"{thing} must be a list of values or one range, got a range within the list. Part them.")
        yield place, _read_range(f"{thing}: {place}", value)
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _ranges_in(inner, f"{place}.{key}" if place else str(key), thing)


def _labels(thing: str, values: Sequence[Any]) -> list[Label]:
    """A label a value: the value itself, the kinds in it, or all of it where kinds do not distinguish values."""
    short = [_short_label(value) for value in values]
    if _all_different(short):
        return short
    whole = [value if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False) for value in values]
    if not _all_different(whole):
        raise RecipeError(f"{thing} must be a list of different values, got {shown(list(values))}. Name each once.")
    return whole


def _all_different(labels: Sequence[Label]) -> bool:
    return len({(type(label), label) for label in labels}) == len(labels)


def _short_label(value: Any) -> Label:
    match value:
        case {"kind": str(kind)}:
            return kind
        case []:
            return "none"
        case [*entries] if all(isinstance(entry, dict) and "kind" in entry for entry in entries):
            return " + ".join(str(entry["kind"]) for entry in entries)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)


def _filled(choices: Choices, params: Params) -> Any:
    """The chosen value, its ranges replaced by the sampled numbers."""
    option = choices.option(params[choices.address])
    value = json.loads(json.dumps(option.value))
    for place, _ in option.ranges:
        *parents, last = place.split(".")
        group: Any = value
        for word in parents:
            group = group[int(word)] if isinstance(group, list) else group[word]
        group[int(last) if isinstance(group, list) else last] = params[choices.inner_name(option, place)]
    return value


def _ends(within: IntRange | FloatRange) -> tuple[float, float]:
    return within.low, within.high


def _grid_axis(dimension: Dimension) -> Iterator[Proposal]:
    if isinstance(dimension, Drawn):
        for number in _steps(dimension.address, dimension.range):
            yield {dimension.address: number}
        return
    for option in dimension.options:
        names = [dimension.inner_name(option, place) for place, _ in option.ranges]
        steps = [_steps(name, within) for name, (_, within) in zip(names, option.ranges, strict=True)]
        for numbers in itertools.product(*steps):
            yield {dimension.address: option.label, **dict(zip(names, numbers, strict=True))}


def _steps(name: str, within: IntRange | FloatRange) -> list[float]:
    if within.log or within.step is None:
        rule, remedy = "a list, or a range with a step, for a grid", "Name the values."
        raise RecipeError(must(f"search.{name}", rule, "a range without steps", remedy))
    n_steps = int(np.floor((within.high - within.low) / within.step + 1e-9))
    numbers = [within.low + k * within.step for k in range(n_steps + 1)]
    return numbers if isinstance(within, IntRange) else [float(f"{number:.12g}") for number in numbers]
