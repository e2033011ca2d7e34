"""Data sets in tar shards, by the WebDataset convention: files of one name but for the ending are one photo.

train/<shard>.tar      <key>.jpg (or .jpeg, .png, .webp, .bmp) and <key>.json, one after the other
<key>.json             {"mask": "worn", "gender": "female", "age": 34, "person": "p7"}

Tar files without compression hold their members as they are, so an index of offsets makes every photo a seek away: any
sampler works, nothing is unpacked and nothing grows. The index is made in one pass over the shards, and kept with them.
"""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwise.data.contents import content_of
from maskwise.data.layout import GENDER_CODE, HIGHEST_AGE_YEARS, LOWEST_AGE_YEARS, PHOTO_SUFFIXES, TRAIN_CSV
from maskwise.data.problems import DataProblem
from maskwise.errors import DataError, must
from maskwise.files import write_atomically
from maskwise.labels import MASK_CLASSES

SHARD_INDEX = "train/.shards.parquet"
FORMAT = 1
"""Raised when the index or what it is made by changes."""


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


def open_shards(root: Path) -> Shards:
    """The index of the shards: the one kept beside them while no shard has changed, else a new one.

    A new one reads every shard once. Where the folder cannot be written, the index is made again every time.
    """
    shards = sorted(path.relative_to(root).as_posix() for path in (root / "train").glob("*.tar"))
    stamp = _stamp(root, shards)
    kept = _load(root, stamp)
    if kept is not None:
        return kept
    photos: list[ShardPhoto] = []
    problems: list[DataProblem] = []
    for shard in shards:
        _index_shard(root, shard, photos, problems)
    made = Shards(root, tuple(photos), tuple(problems))
    if not problems:
        _keep(made, stamp)
    return made


def bytes_of(root: Path) -> Callable[[str], bytes]:
    """How the photos of the data set at ``root`` are read by their names in a table, from shards or from files.

    The function raises ``DataError`` or ``OSError`` for a photo that cannot be had.
    """
    if not is_sharded(root):
        return lambda name: (root / name).read_bytes()
    shards = open_shards(root)
    photo_of = {photo.name: photo for photo in shards.photos}
    return lambda name: shards.read(photo_of[name]) if name in photo_of else (root / name).read_bytes()


def _index_shard(root: Path, shard: str, photos: list[ShardPhoto], problems: list[DataProblem]) -> None:
    """Add the photos of one shard, and what is wrong with it."""
    found: dict[str, tuple[str, int, int, str]] = {}
    labels: dict[str, bytes] = {}
    try:
        with tarfile.open(root / shard, "r:") as tar:
            for member in tar:
                key, _, ending = member.name.rpartition(".")
                if not member.isfile() or member.name.rpartition("/")[2].startswith("."):
                    continue
                if ending.lower() == "json":
                    labels[key] = _bytes(tar, member)
                elif f".{ending.lower()}" in PHOTO_SUFFIXES:
                    found[key] = (member.name, member.offset_data, member.size, content_of(_bytes(tar, member)))
    except (tarfile.TarError, OSError, EOFError) as error:
        message = must("the shard", "a whole tar file without compression", str(error), "Copy it again, or unpack it.")
        problems.append(DataProblem(shard, None, message))
        return
    for key, (name, offset, size, content) in found.items():
        told = _read_labels(labels.get(key))
        if isinstance(told, str):
            problems.append(DataProblem(f"{shard}/{name}", None, told))
            continue
        person, gender, age_years, mask = told
        # A photo of which nobody says whom it shows is its own person.
        place = f"{shard}/{name}"
        photos.append(ShardPhoto(place, shard, offset, size, content, person or place, gender, age_years, mask))


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    data = b"" if file is None else file.read()
    if len(data) != member.size:
        raise EOFError(f"the end within {member.name}")
    return data


def _read_labels(data: bytes | None) -> tuple[str, int, int, int] | str:
    """(person, gender, age in years, mask), or what is wrong with them."""
    if data is None:
        return must("a photo", "with a .json of the same name", "none", "Add it, or remove the photo.")
    try:
        told = json.loads(data)
        mask, gender, age, person = (told.get(name) for name in ("mask", "gender", "age", "person"))
    except (ValueError, AttributeError):
        return must("the labels", "an object in JSON", "something else", "Write them again.")
    if mask not in MASK_CLASSES:
        return must("mask", f"one of {', '.join(MASK_CLASSES)}", mask, "Correct the labels.")
    if gender not in GENDER_CODE:
        return must("gender", " or ".join(GENDER_CODE), gender, "Correct the labels.")
    if type(age) is not int or not LOWEST_AGE_YEARS <= age <= HIGHEST_AGE_YEARS:
        rule = f"a whole number of years from {LOWEST_AGE_YEARS} to {HIGHEST_AGE_YEARS}"
        return must("age", rule, age, "Correct the labels.")
    return "" if person is None else str(person), GENDER_CODE[gender], age, MASK_CLASSES.index(mask)


def _stamp(root: Path, shards: Sequence[str]) -> str:
    """What changes whenever a shard does: its size and the time of its last change."""
    states = {shard: (root / shard).stat() for shard in shards}
    return json.dumps([FORMAT, *([name, state.st_size, state.st_mtime_ns] for name, state in states.items())])


def _load(root: Path, stamp: str) -> Shards | None:
    import pyarrow as pa
    import pyarrow.parquet as pq  # only where shards are: predicting with a bundle needs no pyarrow

    path = root / SHARD_INDEX
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        return None
    if (table.schema.metadata or {}).get(b"stamp") != stamp.encode():
        return None
    columns: dict[str, list[Any]] = table.to_pydict()
    rows = zip(*(columns[field.name] for field in dataclasses.fields(ShardPhoto)), strict=True)
    return Shards(root, tuple(ShardPhoto(*row) for row in rows))


def _keep(shards: Shards, stamp: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq  # only where shards are: predicting with a bundle needs no pyarrow

    names = [field.name for field in dataclasses.fields(ShardPhoto)]
    table = pa.table({name: [getattr(photo, name) for photo in shards.photos] for name in names})
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"stamp": stamp}), buffer)
    try:
        write_atomically(shards.root / SHARD_INDEX, buffer.getvalue())
    except OSError:
        # A folder that cannot be written only costs the pass again.
        return
