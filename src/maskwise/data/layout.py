"""The competition's layout on disk: which names mean what, and how a folder is listed.

train/train.csv                       id,gender,race,age,path: one row a person
train/images/<path>/<photo>.<ext>     seven photos a person
eval/info.csv                         ImageID,ans
eval/images/<ImageID>
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.data.photo_budget import photo_format
from maskwise.errors import DataError, must
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES
from maskwise.tables import same_name

TRAIN_CSV = "train/train.csv"
TRAIN_IMAGES = "train/images"
EVAL_CSV = "eval/info.csv"
EVAL_IMAGES = "eval/images"

PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .avif .heic .heif .hif".split()  # noqa: SIM905
)
"""Endings of photos, compared in lower case; files of other names are looked into."""
_ENOUGH_BYTES = 128

MASK_OF_STEM = {
    **{f"mask{k}": MASK_CLASSES.index("worn") for k in range(1, 6)},
    "incorrect_mask": MASK_CLASSES.index("incorrect"),
    "normal": MASK_CLASSES.index("not_worn"),
}
"""The mask code of each of a person's seven photos, by the photo's name without its ending."""

GENDER_CODE = {word: code for code, word in enumerate(GENDER_CLASSES)}
LOWEST_AGE_YEARS, HIGHEST_AGE_YEARS = 1, 120
NOT_KNOWN = "Unknown"
"""Stands in ``train.csv`` for a gender, an age or an origin that nobody knows."""


@dataclass(frozen=True)
class FolderListing:
    """A folder's names in sorted order."""

    photos: tuple[str, ...]
    folders: tuple[str, ...]
    others: tuple[str, ...]
    """What is neither, by its contents: texts, films, pipes."""
    hidden: tuple[str, ...] = ()
    """Files and folders whose names begin with a dot: systems leave such beside photos."""

    @property
    def not_read(self) -> list[str]:
        """What somebody may take for a photo of the folder's: all but what systems and imports leave there."""
        hidden = (name for name in self.hidden if Path(name).suffix.lower() in PHOTO_SUFFIXES)
        return [*self.others, *(name for name in hidden if not is_left_by_system(name))]


def list_folder(folder: Path) -> FolderListing:
    """The names in ``folder``, from one scan of it. ``DataError`` where it cannot be listed."""
    found: dict[str, list[str]] = {"photos": [], "folders": [], "others": [], "hidden": []}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found[_kind_of(entry)].append(entry.name)
    except OSError as error:
        got = error.strerror or "an error"
        raise DataError(must(str(folder), "a folder that can be listed", got, "Check its name and rights.")) from error
    return FolderListing(**{kind: tuple(sorted(names)) for kind, names in found.items()})


def _kind_of(entry: os.DirEntry[str]) -> str:
    name = entry.name
    if name.startswith("."):
        return "hidden"
    if _is_folder(entry):
        return "folders"
    # A link that leads nowhere is kept, so that whoever opens it says what is wrong; a pipe would never end.
    if entry.is_symlink():
        if os.path.exists(entry.path) and not os.path.isfile(entry.path):  # noqa: PTH110, PTH113
            return "others"
    elif not entry.is_file():
        return "others"
    known = name[name.rfind(".") :].lower() in PHOTO_SUFFIXES
    return "photos" if known or _holds_photo(entry.path) else "others"


def _holds_photo(path: str) -> bool:
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - a Path for each of thousands takes longer
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return photo_format(file.read(_ENOUGH_BYTES)) is not None
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A link that leads nowhere or in a circle is no folder: whoever opens it says what is wrong."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def photo_stem(name: str) -> str:
    """``mask1`` of ``mask1.JPG``: the key into ``MASK_OF_STEM``."""
    return (name.rpartition(".")[0] or name).lower()


@dataclass(frozen=True)
class PhotosBelow:
    """What a folder and all folders in it hold, as paths with forward slashes."""

    photos: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Everything else, the reason behind it where it is no plain file."""


def photos_below(folder: Path) -> PhotosBelow:
    """Every photo below ``folder``; links to folders are followed, but for those in a circle.

    ``DataError`` where ``folder`` itself cannot be listed; one that lies in it is left out.
    """
    found = PhotosBelow()
    _add_below(found, folder, "", frozenset())
    return found


def _add_below(found: PhotosBelow, folder: Path, prefix: str, above: frozenset[tuple[int, int]]) -> None:
    try:
        status = folder.stat()
        listing = list_folder(folder)
    except (DataError, OSError):
        if not prefix:
            raise
        found.left_out.append(f"{prefix} (cannot be listed)")
        return
    place = (status.st_dev, status.st_ino)
    if place in above:
        found.left_out.append(f"{prefix} (a link in a circle)")
        return
    found.photos.extend(prefix + name for name in listing.photos)
    left_out = (prefix + name for name in (*listing.others, *listing.hidden))
    found.left_out.extend(path for path in left_out if not is_left_by_system(path))
    for name in listing.folders:
        if name == "__MACOSX":
            continue
        _add_below(found, folder / name, f"{prefix}{name}/", above | {place})


def is_left_by_system(path: str) -> bool:
    """Whether a file is one that a system or an unpacker leaves beside photos, and nobody's photo."""
    parts = path.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def on_disk(names: Iterable[str]) -> dict[str, str]:
    """How each of ``names`` is written on the disk, by how it looks."""
    return {same_name(name): name for name in names}


def is_plain_name(name: str) -> bool:
    """Whether ``name`` stays inside its folder: no slash, no backslash, not ``..``, not hidden, not empty."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\\0")
