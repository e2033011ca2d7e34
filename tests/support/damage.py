"""Damage to what maskwise keeps, and a judge of what the verb that reads it does then.

All in one process: a verb is called as the command line calls it, on a copy of a folder that was made whole.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from typer.testing import CliRunner

import maskwise.seen_files
from maskwise.cli.main import app
from maskwise.errors import UserError

Kind = Literal["bit flip", "cut short", "zero page", "swapped", "emptied"]
KINDS: tuple[Kind, ...] = ("bit flip", "cut short", "zero page", "swapped", "emptied")
Outcome = Literal["refused", "said", "no effect", "traceback", "silent", "unclear"]
_PAGE_BYTES = 4096
_WAY_OUT = re.compile(r"\. [A-Z][^.]*(\.[^ ][^.]*)*\.$|\?$")


@dataclass(frozen=True)
class Use:
    """A verb, and the kept files that it reads."""

    name: str
    of_500: int
    """How many of 500 damages are its share."""
    files: tuple[str, ...]
    """Patterns below the working folder."""
    words: tuple[str, ...]
    """``{at}`` is the working folder."""
    results: tuple[str, ...] = ()
    """Patterns of the files that it writes."""
    says: bool = True
    """Whether what it prints is a result, too."""
    may_leave_out: bool = False
    """Whether it may go on without what is damaged, where it says so."""


@dataclass(frozen=True)
class Seen:
    """What came of using a verb."""

    problems: tuple[str, ...]
    """Of a refusal, one a line."""
    fault: str
    """Of anything else that ended it; "" where nothing did."""
    printed: str
    results: tuple[tuple[str, bytes], ...]


def use_it(use: Use, at: Path) -> Seen:
    """Use the verb once."""
    maskwise.seen_files._unusable.clear()  # each use is to be as that of a process of its own
    done = CliRunner().invoke(app, [word.replace("{at}", str(at)) for word in use.words])
    error = done.exception
    problems = error.problems if isinstance(error, UserError) else ()
    fault = "" if done.exit_code == 0 or problems else f"{type(error).__name__}: {error} {done.output[-300:]}"
    found = [path for pattern in use.results for path in sorted(at.glob(pattern))]
    results = tuple((path.relative_to(at).as_posix(), path.read_bytes()) for path in found)
    return Seen(problems, fault, done.output, (*results, ("printed", done.stdout.encode() if use.says else b"")))


def damage(path: Path, kind: Kind, others: Sequence[Path], rng: np.random.Generator) -> bool:
    """Damage ``path``; False where that changes nothing. ``others`` are files to be swapped with."""
    whole = path.read_bytes()
    if not whole:
        return False
    place = int(rng.integers(len(whole)))
    if kind == "bit flip":
        data = whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :]
    elif kind == "cut short":
        data = whole[:place]
    elif kind == "zero page":
        begin = place // _PAGE_BYTES * _PAGE_BYTES
        page = whole[begin : begin + _PAGE_BYTES]
        data = whole[:begin] + bytes(len(page)) + whole[begin + len(page) :]
    elif kind == "swapped":
        data = others[int(rng.integers(len(others)))].read_bytes() if others else whole
    else:
        data = b""
    path.write_bytes(data)
    return data != whole


def swap_partners(path: Path, files: Sequence[Path]) -> list[Path]:
    """Files of the same name elsewhere, as a mistaken copy would bring them; else any other one."""
    same = [other for other in path.parents[1].rglob(path.name) if other != path]
    return same or [other for other in files if other != path]


def judge(use: Use, path: Path, seen: Seen, before: Seen) -> tuple[Outcome, str]:
    """What became of a damage to ``path``, and the words of it."""
    if seen.fault:
        return "traceback", seen.fault
    if seen.problems:
        names = {path.name, path.parent.name}
        clear = all("\n" not in line and _WAY_OUT.search(line) for line in seen.problems)
        named = any(name in line for line in seen.problems for name in names)
        return ("refused" if clear and named else "unclear"), " / ".join(seen.problems)
    flat = " ".join(seen.printed.split())
    named = path.name in flat or path.parent.name in flat
    if seen.results == before.results:
        return ("said" if named and seen.printed != before.printed else "no effect"), ""
    return ("said" if use.may_leave_out and named else "silent"), flat[-300:]


def trials(use: Use, template: Path, at: Path, count: int, seed: int) -> list[tuple[str, Kind, Outcome, str]]:
    """``count`` damages to files of ``use``, each to a fresh copy of ``template`` in ``at``."""
    rng = np.random.default_rng(seed)
    _copy(template, at)
    before = use_it(use, at)
    if before.fault or before.problems:
        raise AssertionError(f"{use.name} alone: {before}")
    found: list[tuple[str, Kind, Outcome, str]] = []
    while len(found) < count:
        _copy(template, at)
        files = sorted(path for pattern in use.files for path in at.glob(pattern))
        path = files[len(found) % len(files)]
        kind = KINDS[int(rng.integers(len(KINDS)))]
        if damage(path, kind, swap_partners(path, files), rng):
            found.append((path.name, kind, *judge(use, path, use_it(use, at), before)))
    return found


def _copy(template: Path, at: Path) -> None:
    if at.exists():
        shutil.rmtree(at)
    shutil.copytree(template, at)
