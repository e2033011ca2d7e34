"""What is wrong with a recipe, in one line a problem: the address, the rule, the nearest legal word."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from maskwise.errors import nearest


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each problem of ``error``, which came from validating ``model``."""
    lines: list[str] = []
    for detail in error.errors():
        address = _address(detail["loc"], model)
        lines.extend(_line(detail, address, model).split("\n"))
    return list(dict.fromkeys(lines))


def _line(detail: ErrorDetails, address: str, model: type[BaseModel]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            parent, _, key = address.rpartition(".")
            settings = _model_at(detail["loc"][:-1], model).model_fields
            return f"{address} is no setting{f' of {parent}' if parent else ''}. {nearest(key, settings)}"
        case "union_tag_invalid":
            legal = [tag.strip().strip("'") for tag in str(context["expected_tags"]).split(",")]
            return f"{address}.kind must be a known kind, got {context['tag']!r}. {nearest(context['tag'], legal)}"
        case "union_tag_not_found":
            return f"{address} must say its kind. Write {address}: {{kind: …}}."
        case "missing":
            return f"{address} must be given, got nothing. Add it to the recipe."
        case "literal_error":
            return f"{address} must be {context['expected']}, got {detail['input']!r}. Choose one of them."
        case _:
            rule = detail["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            return f"{address} must be {rule}, got {detail['input']!r}. Change it in the recipe or with --set."


def _address(loc: Sequence[int | str], model: type[BaseModel]) -> str:
    """The dotted path as it stands in the YAML: pydantic's location without the tags of unions."""
    parts: list[str] = []
    place: Any = model
    for key in loc:
        place, is_tag = _step(place, key)
        if not is_tag:
            parts.append(str(key))
    return ".".join(parts)


def _model_at(loc: Sequence[int | str], model: type[BaseModel]) -> type[BaseModel]:
    place: Any = model
    for key in loc:
        place, _ = _step(place, key)
    assert isinstance(place, type)
    assert issubclass(place, BaseModel)
    return place


def _step(place: Any, key: int | str) -> tuple[Any, bool]:
    """The annotation below ``key`` of the annotation ``place``, and whether ``key`` was only a union's tag."""
    place = _bare(place)
    if isinstance(place, type) and issubclass(place, BaseModel):
        field = place.model_fields.get(str(key))
        return (field.annotation if field else Any), False
    if get_origin(place) in (typing.Union, types.UnionType):
        members = [_bare(member) for member in get_args(place)]
        for member in members:
            tag = (
                member.model_fields.get("kind") if isinstance(member, type) and issubclass(member, BaseModel) else None
            )
            if tag is not None and tag.default == key:
                return member, True
        models = [m for m in members if m is not type(None)]
        return _step(models[0], key) if len(models) == 1 else (Any, False)
    if get_origin(place) is tuple:
        return get_args(place)[0], False
    return Any, False


def _bare(annotation: Any) -> Any:
    """``annotation`` without ``Annotated``."""
    return get_args(annotation)[0] if get_origin(annotation) is typing.Annotated else annotation
