"""``maskwise.toml``: the folders of a project, found in the working folder or above it.

Its three lines ``data``, ``store`` and ``cache`` are defaults of the options of these names; a path is meant from the
file's own folder. The variables ``MASKWISE_DATA`` … stand before it, and the command line before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from maskwise.errors import UserError, must, nearest
from maskwise.files import at_home

NAME = "maskwise.toml"
FOLDERS = ("data", "store", "cache")
VARIABLES = tuple(f"MASKWISE_{word.upper()}" for word in FOLDERS)


def project_folders(start: Path) -> Mapping[str, str]:
    """The variables that the nearest ``maskwise.toml`` stands for; none where there is no such file."""
    file = next((folder / NAME for folder in (start, *start.parents) if (folder / NAME).is_file()), None)
    if file is None:
        return {}
    import tomllib

    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(must(str(file), "TOML", str(error), 'For example data = "faces".')) from None
    problems = [
        must(f"{file}: {word}", "a known line", word, nearest(word, FOLDERS)) for word in found if word not in FOLDERS
    ]
    problems += [
        must(f"{file}: {word}", "a path in quotes", value, f'For example {word} = "faces".')
        for word, value in found.items()
        if word in FOLDERS and not isinstance(value, str)
    ]
    if problems:
        raise UserError(problems)
    return {f"MASKWISE_{word.upper()}": str(file.parent / at_home(value)) for word, value in found.items()}
