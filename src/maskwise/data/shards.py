"""Data sets in tar shards, by the WebDataset convention: files of one name but for the ending are one photo.

train/<shard>.tar      <key>.jpg (or another kind of photo) and <key>.json
<key>.json             {"mask": "worn", "gender": "female", "age": 34, "person": "p7"}

Tar files without compression hold their members as they are, so an index of offsets makes every photo a seek away: any
sampler works, nothing is unpacked and nothing grows. The index is made in one pass over each shard, and remembered in
``train/.maskwise`` until the shard changes.
"""

from __future__ import annotations

import dataclasses
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskwise.data.contents import content_of
from maskwise.data.layout import GENDER_CODE, HIGHEST_AGE_YEARS, LOWEST_AGE_YEARS, PHOTO_SUFFIXES, TRAIN_CSV
from maskwise.data.photo_budget import photo_format
from maskwise.data.problems import DataProblem
from maskwise.errors import DataError, must
from maskwise.files import parse_json
from maskwise.labels import MASK_CLASSES
from maskwise.records import Image, Ints, Strings
from maskwise.seen_files import SeenFiles, no_note, stamp_of

MEMORY = "train/.maskwise"
FORMAT = 2
"""Raised when the index or what it is made by changes."""
TAR_DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, RecursionError)
"""What Python's reader is known to raise on damaged archives: a long name of a long name of … nests without an end."""


@dataclass(frozen=True)
class ShardPhoto:
    """One photo and its labels, and where its bytes lie."""

    name: str
    """``train/<shard>.tar/<key>.jpg``: the photo's name in tables."""
    shard: str
    offset: int
    size: int
    content: str
    """The hash of its bytes."""
    person: str
    gender: int
    age_years: int
    mask: int


@dataclass(frozen=True)
class Shards:
    """The photos of a data set in shards, in the order of shards and members."""

    root: Path
    photos: tuple[ShardPhoto, ...]
    problems: tuple[DataProblem, ...] = ()
    """What cannot be used, each with its shard."""

    def read(self, photo: ShardPhoto) -> bytes:
        """A photo's bytes. ``DataError`` where the shard no longer holds them."""
        try:
            with (self.root / photo.shard).open("rb") as file:
                file.seek(photo.offset)
                data = file.read(photo.size)
        except OSError as error:
            raise DataError(must(photo.shard, "readable", error.strerror or "an error", "Restore it.")) from error
        if len(data) != photo.size:
            raise DataError(must(photo.shard, f"as it was indexed ({photo.name})", "a shorter file", "Restore it."))
        return data


def is_sharded(root: Path) -> bool:
    """Whether the train part of ``root`` is tar shards: there are some, and no ``train.csv``."""
    return not (root / TRAIN_CSV).exists() and any((root / "train").glob("*.tar"))


def open_shards(root: Path, note: Callable[[str], None] = no_note) -> Shards:
    """The index of the shards: remembered of those that have not changed, made by a pass over each of the others."""
    seen = SeenFiles(root / MEMORY, f"shards, format {FORMAT}", note)
    shards = sorted(path.relative_to(root).as_posix() for path in (root / "train").glob("*.tar"))
    stamps = {shard: stamp_of(root / shard) for shard in shards}
    known = seen.get(filter(None, stamps.values()))
    photos: list[ShardPhoto] = []
    problems: list[DataProblem] = []
    fresh: dict[str, bytes] = {}
    for shard, stamp in stamps.items():
        if stamp in known:
            photos += [ShardPhoto(*row) for row in parse_json(known[stamp])]
            continue
        found, faults = _index_shard(root, shard)
        photos += found
        problems += faults
        if stamp and not faults:
            fresh[stamp] = json.dumps([dataclasses.astuple(photo) for photo in found]).encode()
    seen.put(fresh)
    return Shards(root, tuple(photos), tuple(problems))


def bytes_of(root: Path) -> Callable[[str], bytes]:
    """How the photos of the data set at ``root`` are read by their names in a table, from shards or from files.

    The function raises ``DataError`` or ``OSError`` for a photo that cannot be had.
    """
    if not is_sharded(root):
        return lambda name: (root / name).read_bytes()
    shards = open_shards(root)
    photo_of = {photo.name: photo for photo in shards.photos}
    return lambda name: shards.read(photo_of[name]) if name in photo_of else (root / name).read_bytes()


def _index_shard(root: Path, shard: str) -> tuple[list[ShardPhoto], list[DataProblem]]:
    """The photos of one shard, and what is wrong with it."""
    try:
        with tarfile.open(root / shard, "r:") as tar:
            members = _Members((root / shard).stat().st_size)
            for member in tar:
                # Hidden files are what other systems leave behind.
                if member.isfile() and not member.name.rpartition("/")[2].startswith("."):
                    members.add(tar, member)
    except TAR_DAMAGE as error:
        message = must("the shard", "a whole tar file without compression", str(error), "Copy it again, or unpack it.")
        return [], [DataProblem(shard, None, message)]
    photos, problems = [], [DataProblem(f"{shard}/{name}", None, message) for name, message in members.faults()]
    for key, (name, offset, size, content) in members.photos.items():
        place, labels = f"{shard}/{name}", _read_labels(members.labels.get(key))
        if isinstance(labels, str):
            problems.append(DataProblem(place, None, labels))
            continue
        person, gender, age_years, mask = labels
        # A photo of which nobody says whom it shows is its own person.
        photos.append(ShardPhoto(place, shard, offset, size, content, person or place, gender, age_years, mask))
    return photos, problems


@dataclass
class _Members:
    """The files of one shard by key, the name without its ending."""

    size: int
    """Of the shard, in bytes."""
    photos: dict[str, tuple[str, int, int, str]] = field(default_factory=dict)
    labels: dict[str, bytes] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Sort one file by its ending or, where that is none that we know, by its contents."""
        stem, dot, ending = member.name.rpartition(".")
        key, data = stem if dot else member.name, _bytes(tar, member, self.size)
        if ending.lower() == "json":
            self.labels[key] = data
        elif f".{ending.lower()}" in PHOTO_SUFFIXES or photo_format(data):
            if key in self.photos:
                self.doubled.append(member.name)
            else:
                self.photos[key] = (member.name, member.offset_data, member.size, content_of(data))
        else:
            self.others[key] = member.name

    def faults(self) -> Iterator[tuple[str, str]]:
        """(file, what is wrong with it)."""
        for name in self.doubled:
            message = must("a key", "that of one photo", "a second one", "Rename it together with its labels.")
            yield name, message
        for key in self.labels.keys() - self.photos.keys():
            name = self.others.get(key, f"{key}.json")
            yield name, must("labels", "of a photo", "no photo of this key", "Convert the picture, or delete both.")


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo, size: int) -> bytes:
    """The bytes of a member of an archive of ``size`` bytes; a sparse one may say that it has any number of zeros."""
    if member.issparse():
        raise tarfile.ReadError(f"{member.name} with holes")
    file = tar.extractfile(member) if member.offset_data + member.size <= size else None
    data = b"" if file is None else file.read()
    if len(data) != member.size:
        raise EOFError(f"the end within {member.name}")
    return data


def _read_labels(data: bytes | None) -> tuple[str, int, int, int] | str:
    """(person, gender, age in years, mask), or what is wrong with them."""
    if data is None:
        return must("a photo", "with a .json of the same name", "none", "Add it, or remove the photo.")
    try:
        labels = parse_json(data)
        mask, gender, age, person = (labels.get(name) for name in ("mask", "gender", "age", "person"))
    except (ValueError, AttributeError):
        return must("the labels", "an object in JSON", "something else", "Write them again.")
    if mask not in MASK_CLASSES:
        return must("mask", f"one of {', '.join(MASK_CLASSES)}", mask, "Correct the labels.")
    if not isinstance(gender, str) or gender not in GENDER_CODE:
        return must("gender", " or ".join(GENDER_CODE), gender, "Correct the labels.")
    if type(age) is not int or not LOWEST_AGE_YEARS <= age <= HIGHEST_AGE_YEARS:
        rule = f"a whole number of years from {LOWEST_AGE_YEARS} to {HIGHEST_AGE_YEARS}"
        return must("age", rule, age, "Correct the labels.")
    return "" if person is None else str(person), GENDER_CODE[gender], age, MASK_CLASSES.index(mask)


class ShardPixels:
    """The prepared pixels of N photos, decoded whenever they are read: for sets too large for a cache."""

    def __init__(
        self,
        shards: Shards,
        photo_N: Strings,
        prepare: Callable[[bytes, str], Image],
        height_px: int,
        width_px: int,
    ) -> None:
        photo_of = {photo.name: photo for photo in shards.photos}
        self.shards = shards
        self.photos = [photo_of[name] for name in photo_N]
        self.prepare = prepare
        self.height_px = height_px
        self.width_px = width_px
        self.content_N: Strings = np.array([photo.content for photo in self.photos], dtype=object)

    def __len__(self) -> int:
        return len(self.photos)

    def read(self, index_M: Ints) -> Image:
        """The photos at positions ``index_M``: a fresh M × H × W × 3 array. ``DataError`` for one that is damaged."""
        out = np.empty((len(index_M), self.height_px, self.width_px, 3), dtype=np.uint8)
        for row, place in enumerate(index_M):
            photo = self.photos[int(place)]
            out[row] = self.prepare(self.shards.read(photo), photo.name)
        return out
