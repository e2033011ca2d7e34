"""The one parent of everything that a recipe can say: strict, frozen, no unknown keys; and what stands in a union."""

from __future__ import annotations

import types
import typing
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of settings. Components derive one class a kind, with a literal ``kind`` as the tag of their union."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def members_of(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that may stand at ``annotation``: one, or those of a union; ``None`` aside."""
    without_none = bare(annotation)
    if get_origin(without_none) in (typing.Union, types.UnionType):
        return [member for option in get_args(without_none) for member in members_of(option)]
    return [without_none] if isinstance(without_none, type) and issubclass(without_none, BaseModel) else []


def kind_of(member: type[BaseModel]) -> str:
    """The tag of a member in its union; "" for a class without."""
    field = member.model_fields.get("kind")
    return str(field.default) if field else ""


def bare(annotation: Any) -> Any:
    """``annotation`` without ``Annotated`` and ``| None``."""
    if get_origin(annotation) is typing.Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        options = [option for option in get_args(annotation) if option is not type(None)]
        return bare(options[0]) if len(options) == 1 else annotation
    return annotation
