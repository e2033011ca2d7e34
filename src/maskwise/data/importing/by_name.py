"""Sources whose labels stand in the names of files or folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Listed
from maskwise.data.layout import photos_below
from maskwise.data.photo_budget import READ

NOTES = (".txt", ".md", ".csv", ".json", ".mat", ".xml", ".html", ".pdf")
"""Endings of what lies beside the photos of a set by intention."""


def read_names(
    source: Path,
    pattern: re.Pattern[str],
    gender_of: Mapping[str, str] | Callable[[str], str],
    example: str,
    named_once: bool = False,
) -> Listed:
    """Every photo below ``source`` whose path matches ``pattern`` as a whole; the others are rejected.

    ``pattern`` has the groups ``age`` and ``gender``, and ``identity`` where people are named. ``gender_of`` turns the
    text of the group into male or female. ``example`` is a legal name, for messages. With ``named_once`` a name that
    stands in several folders counts once: the same photo, cut in another way.
    """
    listed = Listed()
    first_of: dict[str, str] = {}
    known = gender_of.__getitem__ if isinstance(gender_of, Mapping) else gender_of
    for path in files_below(source, listed):
        found = pattern.fullmatch(path)
        if found is None:
            listed.reject(path, None, "the name", f"like {example}", path.rpartition("/")[2], "Rename the photo.")
            continue
        name = path.rpartition("/")[2]
        first = first_of.setdefault(name, path) if named_once else path
        if first != path:
            remedy = "Name one of the folders as SRC."
            listed.reject(path, None, "the photo", "there once", f"the same name as {first}", remedy)
            continue
        age, parts = int(found["age"]), found.groupdict()
        gender, identity = known(found["gender"]), parts.get("identity") or ""
        listed.faces.append(ImportedFace({PORTRAIT: source / path}, gender, (age, age), path, identity=identity))
    return listed


def files_below(source: Path, listed: Listed) -> list[str]:
    """Every photo below ``source`` with forward slashes; whatever else lies there is rejected.

    ``DataError`` where ``source`` itself cannot be listed.
    """
    found = photos_below(source)
    for path in found.left_out:
        if path.lower().endswith(NOTES):
            continue
        listed.reject(path, None, "the file", f"a photo ({READ})", path.rpartition("/")[2], "Convert it, if it is one.")
    return found.photos
