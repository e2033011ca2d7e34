"""Records as JSON for other programs: every field under its name, a number without a meaning as null."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class NumPyLike(Protocol):
    """An array or a number of numpy, which is not imported for this."""

    def tolist(self) -> Any:
        """As Python's own numbers."""


@runtime_checkable
class SettingsLike(Protocol):
    """Settings of pydantic, which is not imported for this."""

    def model_dump(self, *, mode: str) -> Any:
        """As JSON knows them."""


def plain_json(found: object) -> str:
    """Frozen records, settings, and tuples, lists and dictionaries of them, as JSON text. Ends without a line break."""
    return json.dumps(_plain(found), ensure_ascii=False, allow_nan=False, indent=1)


def _plain(found: object) -> Any:
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return {field.name: _plain(getattr(found, field.name)) for field in dataclasses.fields(found)}
    if isinstance(found, SettingsLike):
        return found.model_dump(mode="json")
    if isinstance(found, PurePath):
        return str(found)
    if isinstance(found, Mapping):
        return {str(name): _plain(value) for name, value in found.items()}
    if isinstance(found, tuple) and hasattr(found, "_asdict"):
        return _plain(found._asdict())
    if isinstance(found, tuple | list):
        return [_plain(value) for value in found]
    if isinstance(found, NumPyLike):
        return _plain(found.tolist())
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found
