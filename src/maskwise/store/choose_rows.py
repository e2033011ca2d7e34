"""Which runs stand on the board (``--where``, ``--tag``) and in which order (``--sort``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from maskwise.errors import RecipeError, StoreError, must, nearest
from maskwise.recipe.addresses import settings_of
from maskwise.store.board import BoardRow, RunFilter
from maskwise.store.marks import Marks
from maskwise.store.recipe_difference import NO_SETTING, setting_at
from maskwise.store.run_record import RunRecord


class Where(NamedTuple):
    """``address=value``: what a run's recipe must say."""

    address: str
    text: str
    value: Any

    def fits(self, record: RunRecord) -> bool:
        """Whether the run has this value there; a number may be written in any way, and a word as it is."""
        found = setting_at(record, self.address)
        return found is not NO_SETTING and (found == self.value or str(found) == self.text)


def read_where(texts: Sequence[str]) -> list[Where]:
    """The conditions as a user writes them; ``StoreError`` names all that cannot be understood."""
    from maskwise.recipe.strict_yaml import read_yaml  # only where it is needed: the board starts faster without

    found, problems = [], []
    for text in texts:
        address, equals, value = text.partition("=")
        if not equals or not address.strip():
            problems.append(must("--where", "path=value", text, "For example --where train.epochs=8."))
            continue
        try:
            found.append(Where(address.strip(), value.strip(), read_yaml(value, f"--where {text}")))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise StoreError(problems)
    return found


def refuse_unknown_addresses(option: str, addresses: Sequence[str], records: Iterable[RunRecord]) -> None:
    """``StoreError`` for addresses that no run of the store has: a misspelled one would silently fit nothing."""
    runs = list(records)
    unknown = [
        address for address in addresses if runs and all(setting_at(record, address) is NO_SETTING for record in runs)
    ]
    if unknown:
        known = {address for record in runs[:50] for address in settings_of(record.recipe)} | {"name", "run", "data"}
        raise StoreError([must(option, "a setting of some run", word, nearest(word, known)) for word in unknown])


def choice_of(where: Sequence[Where], tags: Sequence[str]) -> RunFilter:
    """Runs that fit all conditions and have all tags."""

    def fits(record: RunRecord, marks: Marks) -> bool:
        return set(tags) <= set(marks.tags) and all(condition.fits(record) for condition in where)

    return fits


def sort_rows(rows: Sequence[BoardRow], key: str) -> list[BoardRow]:
    """``rows`` with every group in the order of ``key``: scores best first, times shortest first, newest first.

    Groups stay apart and ranks stay those by macro F1. ``StoreError`` for a key that no row has.
    """
    attributes = {name for row in rows for name in row.scores.attribute_accuracy}
    keys: dict[str, Callable[[BoardRow], Any]] = {
        "macro_f1": lambda row: row.rank,
        "accuracy": lambda row: _best_first(row.scores.accuracy.value),
        "time": lambda row: row.record.seconds,
        "created": lambda row: -row.record.created.timestamp(),
        "name": lambda row: row.record.name,
        "seed": lambda row: row.record.seed,
        "people": lambda row: (-row.record.n_held_out_people, row.people),
        **{name: _by_attribute(name) for name in attributes},
    }
    if key not in keys:
        raise StoreError(must("--sort", "a column of the board", key, nearest(key, keys)))
    place_of = {group: place for place, group in enumerate(dict.fromkeys(row.group for row in rows))}
    return sorted(rows, key=lambda row: (place_of[row.group], keys[key](row), row.rank))


def _by_attribute(name: str) -> Callable[[BoardRow], float]:
    return lambda row: _best_first(row.scores.attribute_accuracy.get(name, math.nan))


def _best_first(value: float) -> float:
    return math.inf if math.isnan(value) else -value
