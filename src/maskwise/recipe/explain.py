"""What is wrong with a recipe, in one line a problem: the address, the rule, the nearest legal word."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from maskwise.errors import RecipeError, nearest
from maskwise.recipe.other_words import meant_address
from maskwise.settings import bare, kind_of, members_of

_Model = TypeVar("_Model", bound=BaseModel)
REFUSED_KINDS = frozenset({"by_photo"})
"""Kinds that exist only to be refused with the reason; never offered."""

CHANGE_IT = "Change it in the recipe or with --set."
_LONGEST_VALUE = 80
_SURE = 0.75
"""How alike a name among the siblings must be so that no other place of the recipe is looked at."""
_RULES = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "finite_number": "a finite number",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a group of settings",
    "model_type": "a group of settings",
    "model_attributes_type": "a group of settings",
}
_REMEDIES = {
    "string_type": "Put it in quotes.",
    "dict_type": "Write it as {kind: …}.",
    "tuple_type": "Write it as [first, second], or [] for none.",
    "model_type": "Write it as {setting: value}.",
    "model_attributes_type": "Write it as {kind: …}.",
}


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each problem of ``error``, which came from validating ``model``."""
    lines: list[str] = []
    for detail in error.errors():
        address = _address(detail["loc"], model)
        lines.extend(_line(detail, address, model).split("\n"))
    return list(dict.fromkeys(lines))


def validated(model: type[_Model], settings: dict[str, Any], source: str) -> _Model:
    """``settings`` as ``model``. ``RecipeError`` with every problem, one line each, after the name of ``source``."""
    try:
        problems = infinite_numbers(settings)
        if not problems:
            # JSON mode: strict about types, yet lists are tuples there.
            return model.model_validate_json(json.dumps(settings))
    except ValidationError as error:
        problems = explain(error, model)
    raise RecipeError([f"{source}: {line}" for line in problems]) from None


def shown(value: object) -> str:
    """A value of a recipe as a message shows it: as in YAML, cut where it is long."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def infinite_numbers(settings: object, address: str = "") -> list[str]:
    """A line for each number below ``settings`` that is infinite or none; pydantic lets infinity pass a lower bound."""
    if isinstance(settings, dict | list):
        items = settings.items() if isinstance(settings, dict) else enumerate(settings)
        dot = "." if address else ""
        return [line for key, value in items for line in infinite_numbers(value, f"{address}{dot}{key}")]
    if not isinstance(settings, float) or math.isfinite(settings):
        return []
    return [f"{address} must be a finite number, got {settings}. {CHANGE_IT}"]


def rule_of(detail: ErrorDetails) -> str:
    """What the value must be, in the words of the house."""
    return _RULES.get(detail["type"]) or detail["msg"].removeprefix("Input should be ")


def _line(detail: ErrorDetails, address: str, model: type[BaseModel]) -> str:
    context = detail.get("ctx", {})
    got = shown(detail["input"])
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            return _unknown_setting(address, _annotation_at(detail["loc"][:-1], model), model, detail["input"])
        case "union_tag_invalid":
            kinds = _kinds(_annotation_at(detail["loc"], model))
            tag = str(context["tag"])
            return f"{address}.kind must be a known kind, got {tag!r}. {nearest(tag, kinds)}"
        case "union_tag_not_found":
            kinds = _kinds(_annotation_at(detail["loc"], model))
            return f"{address}.kind must be given, got nothing. {nearest('', kinds)}"
        case "literal_error" if str(detail["loc"][-1]) == "kind":
            kinds = [str(word) for word in get_args(_annotation_at(detail["loc"], model))]
            return f"{address} must be a known kind, got {got}. {nearest(str(detail['input']), kinds)}"
        case "literal_error":
            return f"{address} must be {context['expected']}, got {got}. Choose one of them."
        case "missing":
            return f"{address} must be given, got nothing. Add it to the recipe."
        case "string_pattern_mismatch":
            return f"{address} must be of the form {context['pattern']}, got {got}. Choose another."
        case kind:
            rule = rule_of(detail)
            remedy = _REMEDIES.get(kind, CHANGE_IT)
            return f"{address or 'the recipe'} must be {rule}, got {got}. {remedy}"


def _unknown_setting(address: str, parent: Any, model: type[BaseModel], given: object) -> str:
    key = address.rpartition(".")[2]
    fields = _model_of(parent).model_fields
    kind = fields["kind"].default if "kind" in fields else None
    of_kind = f" of the kind {kind}" if kind else ""
    elsewhere = list(_homes(key, model))
    remedy = nearest(key, fields)
    # Under another kind the address is a legal one: then no other place is meant.
    if elsewhere and address not in elsewhere:
        remedy = f"Did you mean {' or '.join(elsewhere)}? {nearest('', fields)}"
    elif not elsewhere and not get_close_matches(key, fields, n=1, cutoff=_SURE):
        written = ".".join([address, *_first_words(given)])
        if meant := meant_address(written, dict.fromkeys(_leaves(model))):
            remedy = f"Did you mean {meant}? {nearest('', fields)}"
    return f"{address} must be a known setting{of_kind}, got {key!r}. {remedy}"


def _first_words(given: object) -> Iterator[str]:
    """The words below an unknown setting that was given as a group, down to the first value."""
    while isinstance(given, dict) and given:
        word, given = next(iter(given.items()))
        yield str(word)


def _leaves(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every address of a value below ``model``, lists aside."""
    for name, field in model.model_fields.items():
        members = [member for member in members_of(field.annotation) if not _is_refused(member)]
        if not members:
            yield f"{above}{name}"
        for member in members:
            yield from _leaves(member, f"{above}{name}.")


def _homes(key: str, model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every address below ``model`` (lists aside) whose last word is ``key``."""
    for name, field in model.model_fields.items():
        if name == key and name != "kind":
            yield f"{above}{name}"
        # Members of one union share addresses, so each is named once.
        members = [member for member in members_of(field.annotation) if not _is_refused(member)]
        yield from dict.fromkeys(home for member in members for home in _homes(key, member, f"{above}{name}."))


def _address(loc: Sequence[int | str], model: type[BaseModel]) -> str:
    """The dotted path as it stands in the YAML: pydantic's location without the tags of unions."""
    parts: list[str] = []
    place: Any = model
    for key in loc:
        place, is_tag = _step(place, key)
        if not is_tag:
            parts.append(str(key))
    return ".".join(parts)


def _annotation_at(loc: Sequence[int | str], model: type[BaseModel]) -> Any:
    place: Any = model
    for key in loc:
        place, _ = _step(place, key)
    return place


def _step(place: Any, key: int | str) -> tuple[Any, bool]:
    """The annotation below ``key`` of the annotation ``place``, and whether ``key`` was only a union's tag."""
    place = bare(place)
    if get_origin(place) is tuple:
        return get_args(place)[0], False
    members = members_of(place)
    if len(members) == 1:
        field = members[0].model_fields.get(str(key))
        return (field.annotation if field else Any), False
    tagged = next((member for member in members if kind_of(member) == key), None)
    return (tagged, True) if tagged else (Any, False)


def _model_of(annotation: Any) -> type[BaseModel]:
    (model,) = members_of(annotation)
    return model


def _kinds(annotation: Any) -> list[str]:
    return [kind_of(member) for member in members_of(annotation) if not _is_refused(member)]


def _is_refused(member: type[BaseModel]) -> bool:
    return kind_of(member) in REFUSED_KINDS
