"""Odd photos and folders: what is only unusual is read, whatever cannot be is one clear line.

Formats, orientations and truncations one by one stand in ``test_pixels``, tables in ``test_manifest`` and
``test_tables``, sources of an import in ``workflows/test_import_faces``.
"""

from __future__ import annotations

import os
import unicodedata
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise.data.checks import check_data
from maskwise.data.layout import list_folder
from maskwise.data.manifest import read_eval, read_folder, read_train, refuse_other_case
from maskwise.data.pixels import decode_photo
from maskwise.data.readable import find_unreadable, in_threads
from maskwise.errors import DataError
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
    # A GIF has 256 colors.
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
    reasons = {name: message for name, (_, message) in contents.items()}
    return reasons | {"circle.jpg": "symbolic links", "nowhere.jpg": "No such file"}


def test_every_unreadable_photo_is_one_line_and_the_others_are_found(tmp_path: Path) -> None:
    reasons = unreadable_files(tmp_path)
    (tmp_path / LONG).write_bytes(encode(PHOTO))
    (tmp_path / "around").symlink_to(tmp_path)
    photo_N = read_folder(tmp_path).photo_N
    assert set(photo_N) == {*reasons, LONG}
    done: list[int] = []
    faults = {photo_N[place]: fault for place, fault in find_unreadable(tmp_path, photo_N, done.append).items()}
    assert set(faults) == set(reasons)
    assert all(message in faults[name] and "\n" not in faults[name] for name, message in reasons.items())
    assert sum(done) == len(photo_N)


@pytest.mark.skipif(os.geteuid() == 0, reason="rights do not bind the superuser")
def test_what_the_rights_forbid_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(PHOTO))
    (tmp_path / "a.jpg").chmod(0)
    assert "Permission denied" in find_unreadable(tmp_path, strings(["a.jpg"]), print)[0]


def test_a_check_survives_every_odd_file(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    folder = root / "train/images" / PEOPLE[0].folder
    reasons = unreadable_files(folder)
    (folder / "mask9.gif").write_bytes(animated("GIF"))
    errors = [p for p in check_data(root, Task()) if p.where.startswith(f"train/images/{PEOPLE[0].folder}/")]
    for name, message in reasons.items():
        assert any(p.where.endswith(f"/{name}") and message in p.message for p in errors)
    assert any("mask9.gif" in p.message for p in errors)


def test_what_is_no_photo_is_named_and_photos_are_known_by_their_contents(tmp_path: Path) -> None:
    photo = encode(PHOTO)
    for name in ("a.jpg", "b.jfif", "noending", "d.HEIC", "e.data"):
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "clip.mp4").write_bytes(bytes(100))
    (tmp_path / ".hidden.jpg").write_bytes(photo)
    (tmp_path / "._a.jpg").write_bytes(b"side file")
    os.mkfifo(tmp_path / "live.jpg")
    far = tmp_path.with_name(tmp_path.name + "-far")
    far.mkdir()
    (far / "f.png").write_bytes(encode(PHOTO, "PNG"))
    (tmp_path / "linked").symlink_to(far)
    (tmp_path / "self").symlink_to(tmp_path)
    notes: list[str] = []
    photo_N = read_folder(tmp_path, notes.append).photo_N
    assert photo_N.tolist() == ["a.jpg", "b.jfif", "d.HEIC", "e.data", "linked/f.png", "noending"]
    (note,) = notes
    assert note.startswith("left out (4): clip.mp4, live.jpg, .hidden.jpg, self/ ")
    (far / "f.png").unlink()
    (tmp_path / "clip.mp4").rename(far / "clip.mp4")
    with pytest.raises(DataError, match=r"left out \(1\): clip\.mp4"):
        read_folder(far)


@pytest.mark.skipif(os.geteuid() == 0, reason="rights do not bind the superuser")
def test_a_folder_that_may_not_be_listed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(PHOTO))
    (tmp_path / "closed").mkdir(mode=0)
    notes: list[str] = []
    assert read_folder(tmp_path, notes.append).photo_N.tolist() == ["a.jpg"]
    assert notes == ["left out (1): closed/ (cannot be listed)"]


def test_names_in_either_of_unicodes_forms_are_one_name(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    images, person = root / "train/images", PEOPLE[1]
    apart, together = unicodedata.normalize("NFD", "가영"), unicodedata.normalize("NFC", "가영")
    (images / person.folder).rename(images / apart)
    table = root / "train/train.csv"
    table.write_text(table.read_text(encoding="utf-8-sig").replace(person.folder, together), encoding="utf-8")
    eval_photo = root / read_eval(root, Task()).photo_N[0]
    info = root / "eval/info.csv"
    eval_photo.rename(eval_photo.with_name(f"{apart}.jpg"))
    text = info.read_text(encoding="utf-8-sig").replace(eval_photo.name, f"{together}.jpg")
    info.write_text(text, encoding="utf-8")
    assert not [problem for problem in check_data(root, Task()) if "영" in str(problem) or apart in str(problem)]
    assert sum(name.startswith(f"train/images/{apart}/") for name in read_train(root, Task()).table.photo_N) == 7
    assert f"eval/images/{apart}.jpg" in read_eval(root, Task()).photo_N.tolist()


def test_a_person_written_in_two_forms_is_one_person(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    lines = (root / "train/train.csv").read_text(encoding="utf-8-sig").splitlines()
    forms = [unicodedata.normalize(form, "김가영") for form in ("NFC", "NFD")] + [""] * len(lines)
    rows = [f"{lines[0]},person", *(f"{line},{who}" for line, who in zip(lines[1:], forms, strict=False))]
    (root / "train/train.csv").write_text("\n".join(rows), encoding="utf-8")
    table = read_train(root, Task()).table
    assert len({str(person) for person in table.person_N[:14]}) == 1


def test_a_list_in_another_case_is_refused_with_its_name(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    refuse_other_case(root)
    (root / "eval/info.csv").rename(root / "eval/Info.csv")
    with pytest.raises(DataError, match=r"Info\.csv.*Rename it"):
        refuse_other_case(root)
    (root / "eval/Info.csv").unlink()
    with pytest.raises(DataError, match="name a folder of photos"):
        refuse_other_case(root)
    refuse_other_case(root / "train")


def test_rows_and_columns_that_a_spreadsheet_leaves_are_nothing(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    table = root / "train/train.csv"
    before = read_train(root, Task()).table
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    head = lines[0].split(",")
    aged = [
        ",".join(f"{cell}.0" if name == "age" else cell for name, cell in zip(head, line.split(","), strict=True))
        for line in lines[1:]
    ]
    table.write_text("\r\n".join(f"{line},," for line in [lines[0], *aged, ",,,,"]), encoding="utf-8-sig")
    after = read_train(root, Task()).table
    assert after.photo_N.tolist() == before.photo_N.tolist()
    assert after.age_years_N.tolist() == before.age_years_N.tolist()


def test_a_folder_in_a_circle_is_listed_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "down").mkdir()
    listing = list_folder(tmp_path)
    assert (listing.folders, listing.others) == (("down",), ("loop",))


def test_unreadable_photos_are_left_out_of_a_training_when_asked(tmp_path: Path) -> None:
    root = write_quirky(tmp_path)
    photo = next((root / "train/images" / PEOPLE[0].folder).glob("mask1.*"))
    photo.write_bytes(b"")
    listener = Remember()
    whole = read_train(root, Task())
    kept = leave_out_unreadable(whole, listener)
    assert len(kept.table) == len(whole.table) - 1
    assert set(whole.table.photo_N) - set(kept.table.photo_N) == {photo.relative_to(root).as_posix()}
    assert [note.split(": ")[:2] for note in listener.notes] == [["left out", photo.relative_to(root).as_posix()]]
    assert leave_out_unreadable(kept, listener).table.photo_N.tolist() == kept.table.photo_N.tolist()


def test_threads_keep_the_order() -> None:
    assert list(in_threads(lambda number: number * number, range(3000), threads=4)) == [n * n for n in range(3000)]
