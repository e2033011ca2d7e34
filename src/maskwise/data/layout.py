"""The competition's layout on disk: which names mean what, and how a folder is listed.

train/train.csv                       id,gender,race,age,path: one row a person
train/images/<path>/<photo>.<ext>     seven photos a person
eval/info.csv                         ImageID,ans
eval/images/<ImageID>
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import DataError, must
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES

TRAIN_CSV = "train/train.csv"
TRAIN_IMAGES = "train/images"
EVAL_CSV = "eval/info.csv"
EVAL_IMAGES = "eval/images"

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""Endings of photos, compared in lower case."""

MASK_OF_STEM = {
    **{f"mask{k}": MASK_CLASSES.index("worn") for k in range(1, 6)},
    "incorrect_mask": MASK_CLASSES.index("incorrect"),
    "normal": MASK_CLASSES.index("not_worn"),
}
"""The mask code of each of a person's seven photos, by the photo's name without its ending."""

GENDER_CODE = {word: code for code, word in enumerate(GENDER_CLASSES)}
LOWEST_AGE_YEARS, HIGHEST_AGE_YEARS = 1, 120


@dataclass(frozen=True)
class FolderListing:
    """A folder's names in sorted order; side files (names that begin with a dot) are in none of them."""

    photos: tuple[str, ...]
    folders: tuple[str, ...]
    others: tuple[str, ...]


def list_folder(folder: Path) -> FolderListing:
    """The names in ``folder``, from one scan of it. ``DataError`` where it cannot be listed."""
    photos, folders, others = [], [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(name)
                elif name[name.rfind(".") :].lower() in PHOTO_SUFFIXES:
                    photos.append(name)
                else:
                    others.append(name)
    except OSError as error:
        got = error.strerror or "an error"
        raise DataError(must(str(folder), "a folder that can be listed", got, "Check its name and rights.")) from error
    return FolderListing(tuple(sorted(photos)), tuple(sorted(folders)), tuple(sorted(others)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A link that leads nowhere or in a circle is no folder: whoever opens it tells what is wrong."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def photo_stem(name: str) -> str:
    """``mask1`` of ``mask1.JPG``: the key into ``MASK_OF_STEM``."""
    return name.rpartition(".")[0].lower()


def photos_below(folder: Path, prefix: str = "") -> Iterator[str]:
    """Every photo below ``folder`` as a path with forward slashes; links to folders are not followed."""
    listing = list_folder(folder)
    yield from (prefix + name for name in listing.photos)
    for name in listing.folders:
        if not (folder / name).is_symlink():
            yield from photos_below(folder / name, f"{prefix}{name}/")


def is_plain_name(name: str) -> bool:
    """Whether ``name`` stays inside its folder: no slash, no backslash, not ``..``, not hidden, not empty."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\\0")
