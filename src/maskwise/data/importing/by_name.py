"""Sources whose labels stand in the names of files or folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Listed
from maskwise.data.layout import list_folder
from maskwise.errors import DataError

OTHER_PICTURES = frozenset({".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jfif", ".jp2", ".ppm", ".pgm"})
"""Endings of pictures that are not read. Other files beside the photos, such as notes, are passed over."""


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
    tell = gender_of.__getitem__ if isinstance(gender_of, Mapping) else gender_of
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
        gender, identity = tell(found["gender"]), parts.get("identity") or ""
        listed.faces.append(ImportedFace({PORTRAIT: source / path}, gender, (age, age), path, identity=identity))
    return listed


def files_below(source: Path, listed: Listed, prefix: str = "") -> Iterator[str]:
    """Every photo below ``source`` with forward slashes; pictures of other kinds and unreadable folders are rejected.

    Links to folders are not followed. ``DataError`` where ``source`` itself cannot be listed.
    """
    try:
        listing = list_folder(source / prefix)
    except DataError as error:
        if not prefix:
            raise
        listed.reject(prefix.rstrip("/"), None, "the folder", "readable", str(error), "Check its rights.")
        return
    for name in listing.others:
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path a name is slow
        if ending in OTHER_PICTURES:
            listed.reject(prefix + name, None, "the photo", "a JPEG, PNG, WEBP or BMP file", ending, "Convert it.")
    yield from (prefix + name for name in listing.photos)
    for name in listing.folders:
        if not (source / prefix / name).is_symlink():
            yield from files_below(source, listed, f"{prefix}{name}/")
