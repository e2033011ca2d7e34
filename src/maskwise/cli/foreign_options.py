"""Options that other programs have: what they are called here. And values that an option does not take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

TRAINERS = frozenset({"train", "ladder", "claims", "search", "sweep", "batch-size", "bench"})
"""Verbs that take ``--set`` with settings of a recipe."""


def way_out(option: str | None, words: Sequence[str]) -> str | None:
    """What to write instead of ``option``, which the verb of ``words`` does not know; None where nothing is known."""
    if option is None or not words:
        return None
    given = _value(option, words)
    value = given or "VALUE"
    if words[0] not in TRAINERS:
        return _other_verbs(option, words[0], given)
    from maskwise.recipe.other_words import OTHER_WORDS, SIZE_WORDS

    word = option.lstrip("-").replace("-", "_")
    if word in SIZE_WORDS:
        remedy = f"--set input.height_px={value} --set input.width_px={value}"
    elif word in OTHER_WORDS:
        remedy = f"--set {OTHER_WORDS[word]}={value}"
    elif option in {"--output", "--output-dir", "--project", "--save-dir", "--out"}:
        remedy = f"--store {value}"
    else:
        return None
    return f"{option} must be an option of `{words[0]}`, got a setting of the recipe. Write {remedy}."


def bad_value(option: str, error: ValidationError, command: str) -> str:
    """What ``option`` of ``command`` must be, which typer checks in the words of pydantic."""
    from maskwise.errors import must
    from maskwise.recipe.explain import rule_of

    (detail, *_) = error.errors()
    _, is_choice, words = detail["msg"].rstrip(".").partition(" is not ")
    return must(option, words if is_choice else rule_of(detail), detail["input"], f"See `{command} -h`.")


def _other_verbs(option: str, verb: str, given: str | None) -> str | None:
    if option in {"--model", "--weights", "--checkpoint"} and verb in {
        "predict",
        "serve",
        "export",
        "submit",
        "report",
    }:
        value = given or "RUN"
        return f"{option} must be left out, got {value!r}. Name it first: maskwise {verb} {value} …"
    if option in {"--output", "--output-dir", "--save"}:
        return f"{option} must be called --out, got {option}. Write --out {given or 'FILE'}."
    if option in {"--source", "--input", "--images"} and verb == "predict":
        return f"{option} must be left out, got {given!r}. Name photos after the run: maskwise predict RUN {given}."
    return None


def _value(option: str, words: Sequence[str]) -> str | None:
    """What was given with ``option``: the word after it, or after its equals sign."""
    for position, word in enumerate(words):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and position + 1 < len(words) and not words[position + 1].startswith("-"):
            return words[position + 1]
    return None
