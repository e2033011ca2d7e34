"""One convention: what a function takes and which errors it raises stand in its docstring as sentences."""

from __future__ import annotations

import ast
import re

from support.source_files import SOURCE

OTHER_CONVENTIONS = re.compile(
    r"^\s*((Args|Arguments|Parameters|Raises|Returns|Yields):?$|:(param|raises|returns?)\b)", re.M
)


def sections(text: str) -> list[str]:
    """The headings and fields of other conventions in the docstrings of a module."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return [found.group(1) for docstring in docstrings for found in OTHER_CONVENTIONS.finditer(docstring)]


def test_arguments_and_errors_stand_in_sentences() -> None:
    found = {path: sections(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    assert {path.relative_to(SOURCE).as_posix(): names for path, names in found.items() if names} == {}


def test_other_conventions_are_found() -> None:
    assert sections('def f(x):\n    """Halve.\n\n    Args:\n        x: any.\n    """\n') == ["Args:"]
    assert sections('def f(x):\n    """Halve.\n\n    :param x: any\n    """\n') == [":param"]
