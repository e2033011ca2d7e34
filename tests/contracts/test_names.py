"""A public name stands for one thing: no class, function or constant of a module is defined in another one, too."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support.source_files import SOURCE

TWICE = {
    "FORMAT": "the version of a file's format, read beside the file's other names alone",
    "FORMAT_VERSION": "the version of what a cache holds, likewise",
    "EXAMPLE": "a file name as each imported set has them, for its help text",
    "SCRIPT": "the JavaScript of one section, which the page puts together",
    "STYLE": "the CSS of one figure or section, which the page puts together",
    "Manifest": "the list of a data set's photos, and of a bundle's files: each is its format's own word",
    "Backbone": "the union of settings, and the network that one of them builds",
    "BaselineCnn": "the setting, and the network that it builds",
    "JointHead": "the setting, and the network that it builds",
    "AttributesHead": "the setting, and the network that it builds",
    "CosineHead": "the setting, and the network that it builds",
    "CosineAttributesHead": "the setting, and the network that it builds",
}
"""Name → why it stands in several modules all the same."""


def test_no_public_name_is_defined_twice() -> None:
    places = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for name in public_names(path):
            places[name].append(path.relative_to(SOURCE).as_posix())
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in TWICE} == {}
    assert set(TWICE) <= set(twice), "leave out the rows of names that stand once"


def public_names(path: Path) -> Iterator[str]:
    """Names that a module defines; not those of the command line and of the Python API, which are the verbs."""
    if path.is_relative_to(SOURCE / "cli") or path == SOURCE / "api.py":
        return
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))
