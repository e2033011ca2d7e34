"""What differs between the recipes of two runs, setting by setting, under the addresses that ``--set`` takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from maskwise.recipe.addresses import below
from maskwise.store.run_record import RunRecord

NO_SETTING: Final = object()
"""What stands at an address that a recipe has not."""
IDLE = ("name", "runtime")
"""Parts of a recipe that decide no number."""


def setting_at(record: RunRecord, address: str) -> Any:
    """What stands at ``address``: a setting or group of the recipe, or ``name``, ``run``, ``folds``, ``data``
    (the data set's name), ``optimistic``; ``NO_SETTING`` where the run has no such thing.
    """
    own = {
        "name": record.name,
        "run": record.run_id,
        "seed": record.seed,
        "folds": record.folds,
        "data": record.data.name,
        "optimistic": record.optimistic,
    }
    if address in own:
        return own[address]
    place: Any = record.recipe
    for word in address.split("."):
        if isinstance(place, Mapping) and word in place:
            place = place[word]
        elif isinstance(place, Sequence) and not isinstance(place, str) and word.isdigit() and int(word) < len(place):
            place = place[int(word)]
        else:
            return NO_SETTING
    return place


def differing(recipe: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of ``recipe`` that ``other`` has otherwise or not at all, by address; name and runtime left out.

    What only ``other`` has is listed as ``NO_SETTING``, except below a group whose kind differs: that says it already.
    """
    mine, theirs = ({k: v for k, v in each.items() if k not in IDLE} for each in (recipe, other))
    return dict(_differences(mine, theirs, ""))


def describe_difference(recipe: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """``["train.epochs=6", "no self_training"]``, fit for ``--set`` as far as it is set."""
    return [
        f"no {address}" if value is NO_SETTING else f"{address}={_shown(value)}"
        for address, value in differing(recipe, other).items()
    ]


def _differences(mine: Any, theirs: Any, address: str) -> Iterator[tuple[str, Any]]:
    if mine == theirs:
        return
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        other_kind = mine.get("kind") != theirs.get("kind")
        for word in mine:
            yield from _differences(mine[word], theirs.get(word, NO_SETTING), below(address, word))
        if not other_kind:
            yield from ((below(address, word), NO_SETTING) for word in theirs if word not in mine)
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for position, (one, two) in enumerate(zip(mine, theirs, strict=True)):
            yield from _differences(one, two, below(address, str(position)))
    else:
        yield address, mine


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
