"""The files of maskwise and of its tests, and which of them import which."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import maskwise

SOURCE = Path(maskwise.__file__).parent
TESTS = Path(__file__).parent.parent


@cache
def imported_files(path: Path) -> frozenset[Path]:
    """The files of maskwise and of its tests that ``path`` imports, also in functions and for type checkers alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            for dotted in (name, name.rpartition(".")[0]):
                for root in (SOURCE.parent, TESTS):
                    file = root.joinpath(*dotted.split(".")).with_suffix(".py")
                    if dotted and file.is_file():
                        found.add(file)
    return frozenset(found - {path})


def reached_files(path: Path) -> set[Path]:
    """The files that ``path`` imports, directly or through others."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        new = imported_files(waiting.pop()) - found
        found |= new
        waiting += new
    return found
