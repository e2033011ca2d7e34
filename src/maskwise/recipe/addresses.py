"""Settings by their addresses, as ``--set`` takes them: ``train.optimizer.rate``, ``augment.0.kind``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def settings_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of ``recipe`` by its address; a list of groups goes group by group, from position 0."""
    return dict(_flat(recipe, ""))


def below(address: str, word: str) -> str:
    """The address of ``word`` in the group at ``address``."""
    return f"{address}.{word}" if address else word


def _flat(place: Any, address: str) -> Iterator[tuple[str, Any]]:
    if isinstance(place, Mapping) and place:
        for word, value in place.items():
            yield from _flat(value, below(address, word))
    elif isinstance(place, list) and place and all(isinstance(entry, Mapping) for entry in place):
        for position, value in enumerate(place):
            yield from _flat(value, below(address, str(position)))
    else:
        yield address, place
