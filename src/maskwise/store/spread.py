"""Runs that are equal but for a setting (their seed, say) as one line: mean and spread of their scores."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maskwise.store.board import BoardRow
from maskwise.store.recipe_difference import IDLE
from maskwise.store.run_record import RunRecord
from maskwise.text_table import duration, fitted, number, shortened, wrapped

_Line = tuple[str, ...]
_HEAD: _Line = ("name", "runs", "macro F1", "spread", "lowest", "highest", "accuracy", "spread", "people", "time")


@dataclass(frozen=True)
class MeanScore:
    """Of a score over several runs."""

    mean: float
    deviation: float
    """Standard deviation between the runs (n - 1 below the line); NaN for one run."""
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Runs of one group of the board that are equal but for what is left out."""

    group: str
    heading: str
    names: tuple[str, ...]
    """All different names, as the runs are ranked."""
    run_ids: tuple[str, ...]
    people: str
    """Letters of the sets of people that were held out, as on the board."""
    macro_f1: MeanScore
    accuracy: MeanScore
    seconds: float
    """Of all runs together."""


def spread_over(rows: Sequence[BoardRow], addresses: Sequence[str]) -> list[Spread]:
    """Put together the runs of a group whose recipes differ in ``addresses`` at most; best mean macro F1 first.

    Names and runtime settings do not matter. A group of the board stays together, in the order of ``rows``.
    """
    alike: dict[tuple[str, str], list[BoardRow]] = {}
    for row in rows:
        alike.setdefault((row.group, _identity(row.record, addresses)), []).append(row)
    place_of = {group: place for place, group in enumerate(dict.fromkeys(row.group for row in rows))}
    spreads = [_spread(members) for members in alike.values()]
    return sorted(spreads, key=lambda each: (place_of[each.group], _worst_last(each.macro_f1.mean)))


def format_spreads(spreads: Sequence[Spread], addresses: Sequence[str], width: int) -> str:
    """One table per group of the board, within ``width`` columns. Ends without a line break."""
    blocks = []
    for heading in dict.fromkeys(each.heading for each in spreads):
        rows = [_HEAD]
        rows += [_cells(each, max(8, width // 4)) for each in spreads if each.heading == heading]
        blocks.append("\n".join([*wrapped([heading], width), *fitted(rows, width)]))
    equal = " and ".join(addresses)
    note = f"runs that are equal but for {equal}: means; the spread is the standard deviation between runs"
    return "\n\n".join([*(blocks or ["no finished run with a score yet"]), "\n".join(wrapped([note], width))])


def _cells(each: Spread, longest_name: int) -> tuple[str, ...]:
    return (
        shortened(", ".join(each.names), longest_name),
        str(len(each.run_ids)),
        number(each.macro_f1.mean),
        number(each.macro_f1.deviation),
        number(each.macro_f1.low),
        number(each.macro_f1.high),
        number(each.accuracy.mean),
        number(each.accuracy.deviation),
        each.people or "same",
        duration(each.seconds),
    )


def _spread(members: Sequence[BoardRow]) -> Spread:
    return Spread(
        group=members[0].group,
        heading=members[0].heading,
        names=tuple(dict.fromkeys(row.record.name for row in members)),
        run_ids=tuple(row.record.run_id for row in members),
        people=", ".join(sorted({row.people for row in members} - {""})),
        macro_f1=_mean([row.scores.macro_f1.value for row in members]),
        accuracy=_mean([row.scores.accuracy.value for row in members]),
        seconds=sum(row.record.seconds for row in members),
    )


def _mean(values: Sequence[float]) -> MeanScore:
    mean = math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    deviation = math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else math.nan
    return MeanScore(mean, deviation, min(values), max(values))


def _worst_last(mean: float) -> float:
    return math.inf if math.isnan(mean) else -mean


def _identity(record: RunRecord, addresses: Sequence[str]) -> str:
    rest = {name: value for name, value in record.recipe.items() if name not in IDLE}
    if any("." in address for address in addresses):
        rest = copy.deepcopy(rest)
    for address in addresses:
        _remove(rest, address)
    return json.dumps(rest, sort_keys=True)


def _remove(recipe: dict[str, Any], address: str) -> None:
    *parents, last = address.split(".")
    place: Any = recipe
    for word in parents:
        if isinstance(place, list) and word.isdigit() and int(word) < len(place):
            place = place[int(word)]
        elif isinstance(place, Mapping) and word in place:
            place = place[word]
        else:
            return
    if isinstance(place, dict):
        place.pop(last, None)
