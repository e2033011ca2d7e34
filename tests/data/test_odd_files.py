"""Odd photos and folders: what is only unusual is read, whatever cannot be is one clear line.

Formats, orientations and truncations one by one stand in ``test_pixels``, tables in ``test_manifest`` and
``test_tables``, sources of an import in ``workflows/test_import_faces``.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise.data.checks import check_data
from maskwise.data.layout import list_folder
from maskwise.data.manifest import read_folder, read_train
from maskwise.data.pixels import decode_photo
from maskwise.data.readable import find_unreadable, in_threads
from maskwise.fitting.run_data import leave_out_unreadable
from maskwise.labels import Task
from support.fits import Remember
from support.quirks import PEOPLE, encode, huge_png, noise, write_quirky
from support.tables import strings

PHOTO = noise(np.random.default_rng(3), 60, 44)
LONG = "얼굴-" + "é" * 100 + ".jpg"
"""Beyond ASCII, and 212 bytes long; a file system takes 255."""


def animated(format_name: str, **options: object) -> bytes:
    """Two frames, the first of them ``PHOTO``."""
    frames = [PillowImage.fromarray(PHOTO), PillowImage.fromarray(255 - PHOTO)]
    buffer = BytesIO()
    frames[0].save(buffer, format_name, save_all=True, append_images=frames[1:], duration=100, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "TIFF", "GIF"])
def test_of_several_pictures_the_first_is_read(kind: str) -> None:
    decoded = decode_photo(animated(kind, **({"lossless": True} if kind == "WEBP" else {})), "x")
    # A GIF has 256 colours.
    assert np.abs(decoded.astype(int) - PHOTO).mean() < (20 if kind == "GIF" else 1e-9)


def test_the_ending_of_a_name_decides_nothing(tmp_path: Path) -> None:
    for format_name in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(decode_photo(encode(PHOTO, format_name), "photo.jpg"), PHOTO)


def unreadable_files(folder: Path) -> dict[str, str]:
    """Writes every kind of photo that cannot be read; what the message about each must hold."""
    whole = encode(PHOTO)
    contents = {
        "cut.jpg": (whole[: len(whole) // 2], "must be a whole JPEG file"),
        "empty.jpg": (b"", "got 'an empty file'"),
        "text.jpg": (b"hello", "got 'something else'"),
        "bomb.png": (huge_png(10_000, 10_000), "at most 50 million pixels"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    (folder / "circle.jpg").symlink_to("circle.jpg")
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    told = {name: message for name, (_, message) in contents.items()}
    return told | {"circle.jpg": "symbolic links", "nowhere.jpg": "No such file"}


def test_every_unreadable_photo_is_one_line_and_the_others_are_found(tmp_path: Path) -> None:
    told = unreadable_files(tmp_path)
    (tmp_path / LONG).write_bytes(encode(PHOTO))
    (tmp_path / "around").symlink_to(tmp_path)
    photo_N = read_folder(tmp_path).photo_N
    assert set(photo_N) == {*told, LONG}
    done: list[int] = []
    faults = {photo_N[place]: fault for place, fault in find_unreadable(tmp_path, photo_N, done.append).items()}
    assert set(faults) == set(told)
    assert all(message in faults[name] and "\n" not in faults[name] for name, message in told.items())
    assert sum(done) == len(photo_N)


@pytest.mark.skipif(os.geteuid() == 0, reason="rights do not bind the superuser")
def test_what_the_rights_forbid_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(PHOTO))
    (tmp_path / "a.jpg").chmod(0)
    assert "Permission denied" in find_unreadable(tmp_path, strings(["a.jpg"]), print)[0]


def test_a_check_survives_every_odd_file(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    folder = root / "train/images" / PEOPLE[0].folder
    told = unreadable_files(folder)
    (folder / "mask9.gif").write_bytes(animated("GIF"))
    errors = [p for p in check_data(root, Task()) if p.where.startswith(f"train/images/{PEOPLE[0].folder}/")]
    for name, message in told.items():
        assert any(p.where.endswith(f"/{name}") and message in p.message for p in errors)
    assert any("mask9.gif" in p.message for p in errors)


def test_a_folder_in_a_circle_is_listed_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "down").mkdir()
    listing = list_folder(tmp_path)
    assert (listing.folders, listing.others) == (("down",), ("loop",))


def test_unreadable_photos_are_left_out_of_a_training_when_asked(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    photo = next((root / "train/images" / PEOPLE[0].folder).glob("mask1.*"))
    photo.write_bytes(b"")
    told = Remember()
    whole = read_train(root, Task())
    kept = leave_out_unreadable(whole, told)
    assert len(kept.table) == len(whole.table) - 1
    assert set(whole.table.photo_N) - set(kept.table.photo_N) == {photo.relative_to(root).as_posix()}
    assert [note.split(": ")[:2] for note in told.notes] == [["left out", photo.relative_to(root).as_posix()]]
    assert leave_out_unreadable(kept, told).table.photo_N.tolist() == kept.table.photo_N.tolist()


def test_threads_keep_the_order() -> None:
    assert list(in_threads(lambda number: number * number, range(3000), threads=4)) == [n * n for n in range(3000)]
