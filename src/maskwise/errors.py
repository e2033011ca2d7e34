"""What goes wrong through no fault of ours, said in one line a problem.

Every message follows one formula: ``<thing> must be <rule>, got <value>. <what to do>``.
The command line prints the problems of a ``UserError`` on stderr, one line each, and leaves with its exit code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

_LONGEST_WORD, _MOST_LISTED = 200, 100


def must(thing: str, rule: str, got: object, remedy: str) -> str:
    """The message formula. ``must("epochs", "at least 1", 0, "Set train.epochs to 1 or more.")``."""
    shown = repr(got) if isinstance(got, str) else str(got)
    return f"{thing} must be {rule}, got {shown}. {remedy}"


def printable(text: str) -> str:
    """``text`` as one line that does nothing to a terminal: other characters than signs are written as ``\\x1b``."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def nearest(word: str, legal: Iterable[str]) -> str:
    """``Did you mean 'x'? Legal: a, b, c.`` — the way out for a misspelled name."""
    names = sorted(legal, key=_by_number)
    # Comparing takes the product of the lengths; nothing legal is that long.
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5) if len(word) <= _LONGEST_WORD else []
    guess = f"Did you mean '{close[0]}'? " if close else ""
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return f"{guess}Legal: {', '.join(names[:_MOST_LISTED])}{more}."


def install_extra(name: str) -> str:
    """The way out where an extra is missing."""
    return f'Install it: pip install "maskwise[{name}]".'


def extra_missing(name: str, packages: str) -> str:
    """What is said where the extra ``name`` is needed, and modules of its ``packages`` could not be imported."""
    packages = re.sub(r"\.\w+", "", packages)
    return f"the extra `{name}` must be installed for this, got none of {packages}. {install_extra(name)}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 warning``, ``2 warnings``, ``1,234 people``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def _by_number(word: str) -> list[tuple[bool, int, str]]:
    """Sorts 2 before 10 before A, and day-2 before day-10."""
    return [
        (False, int(part), "") if part.isdecimal() else (True, 0, part) for part in re.split(r"(\d+)", word) if part
    ]


class UserError(Exception):
    """Bad usage or bad input: all problems found together, one line each. Exit code 2."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(UserError):
    """A data set, a table or a photo cannot be used as it is."""


class RecipeError(UserError):
    """A recipe or a ``--set`` cannot be understood or makes no sense."""


class WeightsError(UserError):
    """Pretrained weights cannot be had or do not fit the model."""


class StoreError(UserError):
    """A run cannot be found, is not finished, is busy or would be overwritten."""


class DivergedError(UserError):
    """The loss of a training became infinite or no number: its settings do not work together."""


class CheckFailedError(UserError):
    """A check ran to its end and found something. Exit code 1."""

    exit_code = 1
