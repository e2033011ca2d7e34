"""Data sets in tar shards, made of a folder's photos."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from maskwise.labels import GENDER_CLASSES, MASK_CLASSES
from maskwise.records import PhotoTable


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def labels(**changes: Any) -> bytes:
    return json.dumps({"mask": "worn", "gender": "female", "age": 34, "person": "p", **changes}).encode()


def pack(folder: Path, table: PhotoTable, out: Path, per_shard: int) -> Path:
    """The photos of a data set as shards of ``per_shard`` photos."""
    (out / "train").mkdir(parents=True)
    for number, begin in enumerate(range(0, len(table), per_shard)):
        with tarfile.open(out / f"train/{number:06d}.tar", "w") as tar:
            for row in range(begin, min(begin + per_shard, len(table))):
                path = folder / table.photo_N[row]
                row_labels = labels(
                    mask=MASK_CLASSES[table.mask_N[row]],
                    gender=GENDER_CLASSES[table.gender_N[row]],
                    age=int(table.age_years_N[row]),
                    person=table.person_N[row],
                )
                add(tar, f"part/{row:06d}.json", row_labels)
                add(tar, f"part/{row:06d}{path.suffix}", path.read_bytes())
                add(tar, f"part/._{row:06d}.jpg", b"side file")
    return out
