"""A small data set in the competition's layout, drawn by code, with every quirk of the original."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from pillow_heif import register_heif_opener

from maskwise.records import Image

register_heif_opener()

STEMS = ("incorrect_mask", "mask1", "mask2", "mask3", "mask4", "mask5", "normal")
"""In the order of a sorted listing."""
HEIGHT_PX, WIDTH_PX = 20, 16


@dataclass(frozen=True)
class Person:
    """A row of ``train.csv``."""

    id: str
    gender: str
    age: int
    race: str = "Asian"

    @property
    def folder(self) -> str:
        return f"{self.id}_{self.gender}_{self.race}_{self.age}"


PEOPLE = (
    Person("000001", "female", 45),
    Person("000020", "male", 23),
    Person("000748", "male", 52),
    Person("000748-1", "male", 52),
    Person("001009", "female", 30),
    Person("001498-1", "male", 23),
    Person("003397", "female", 19),
    Person("003397", "female", 20),
    Person("005223", "male", 22, "Black"),
    Person("006359", "female", 18),
    Person("006959", "male", 60),
)
"""Gaps between ids, suffixes, one id twice, a person with two ids, the highest age 60, some consensus ids."""


def noise(rng: np.random.Generator, height_px: int = HEIGHT_PX, width_px: int = WIDTH_PX) -> Image:
    """A gradient with noise: no two alike. H × W × 3."""
    ramp = np.linspace(0, 180, width_px)[None, :, None] + np.zeros((height_px, 1, 3))
    return (ramp + rng.integers(0, 70, (height_px, width_px, 3))).astype(np.uint8)


def encode(photo: Image, format_name: str = "JPEG", **options: object) -> bytes:
    """The photo as a file's bytes, by Pillow."""
    buffer = BytesIO()
    PillowImage.fromarray(photo).save(buffer, format_name, **options)
    return buffer.getvalue()


def huge_png(height_px: int, width_px: int) -> bytes:
    """A PNG file whose sound header promises that many pixels, and that holds none."""
    header = b"IHDR" + struct.pack(">II", width_px, height_px) + b"\x08\x02\x00\x00\x00"
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + data + struct.pack(">I", 0) + b"IEND\xaeB`\x82"


def write_quirky(root: Path, people: tuple[Person, ...] = PEOPLE, n_eval: int = 4) -> Path:
    """Write the data set below ``root``: mixed endings inside a folder, side files, a byte order mark, CRLF, quotes."""
    rng = np.random.default_rng(7)
    rows = ["id,gender,race,age,path"]
    for number, person in enumerate(people):
        _write_person(root / "train/images" / person.folder, rng, number)
        rows.append(f'{person.id},{person.gender},"{person.race}",{person.age},{person.folder}')
    (root / "train/train.csv").write_bytes("\ufeff".encode() + "\r\n".join(rows).encode() + b"\r\n")
    (root / "train/images/.DS_Store").write_bytes(b"side file")
    _write_eval(root, rng, n_eval)
    return root


def eval_names(n_eval: int = 4) -> list[str]:
    """Names as in the competition: 40 hex digits, in an order that is not sorted."""
    return [hashlib.sha1(str(k).encode()).hexdigest() + ".jpg" for k in range(n_eval)]


def _write_person(folder: Path, rng: np.random.Generator, number: int) -> None:
    folder.mkdir(parents=True)
    endings = (("jpg", "JPEG"), ("jpeg", "JPEG"), ("png", "PNG"), ("JPG", "JPEG"))
    for k, stem in enumerate(STEMS):
        ending, format_name = endings[(k + number) % len(endings)]
        (folder / f"{stem}.{ending}").write_bytes(encode(noise(rng), format_name))
        (folder / f"._{stem}.{ending}").write_bytes(b"\x00\x05\x16\x07 side file")


def _write_eval(root: Path, rng: np.random.Generator, n_eval: int) -> None:
    images = root / "eval/images"
    images.mkdir(parents=True)
    for name in eval_names(n_eval):
        (images / name).write_bytes(encode(noise(rng)))
    (images / f"._{eval_names(1)[0]}").write_bytes(b"side file")
    rows = ["ImageID,ans", *(f"{name},0" for name in eval_names(n_eval))]
    (root / "eval/info.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
