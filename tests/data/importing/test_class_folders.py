"""Photos in a folder a class, and bare faces: what their folders mean, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.data.importing.class_folders import read_bare_faces, read_class_folders
from maskwise.data.importing.config import TableWords
from maskwise.data.importing.faces import Listed
from maskwise.errors import DataError


def photos_at(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def labels(listed: Listed) -> dict[str, tuple[tuple[str, ...], str, tuple[int, int] | None, bool]]:
    return {face.where: (tuple(face.photos), face.gender, face.age_years, face.as_it_is) for face in listed.faces}


def test_folders_of_masks_are_taken_as_they_are(tmp_path: Path) -> None:
    source = photos_at(tmp_path, "train/with_mask/a.jpg", "train/without_mask/b.jpg", "val/mask_weared_incorrect/c.jpg")
    listed = read_class_folders(source, TableWords())
    assert labels(listed) == {
        "train/with_mask/a.jpg": (("mask1",), "Unknown", None, True),
        "train/without_mask/b.jpg": (("normal",), "Unknown", None, True),
        "val/mask_weared_incorrect/c.jpg": (("incorrect_mask",), "Unknown", None, True),
    }
    assert listed.notes[:2] == ["train/ (2 photos): nothing", "with_mask/ (1 photo): worn"]


def test_folders_in_folders_tell_gender_and_age_of_bare_faces(tmp_path: Path) -> None:
    listed = read_class_folders(photos_at(tmp_path, "Male/20-29/a.jpg", "female/61/b.jpg"), TableWords())
    assert labels(listed) == {
        "Male/20-29/a.jpg": (("normal",), "male", (20, 29), False),
        "female/61/b.jpg": (("normal",), "female", (61, 61), False),
    }


def test_names_are_mapped_to_several_classes_or_to_nothing(tmp_path: Path) -> None:
    words = TableWords(folders={"young women": "female+18-29+worn", "crawl 1": "-"})
    listed = read_class_folders(photos_at(tmp_path, "crawl 1/young women/a.jpg"), words)
    assert labels(listed) == {"crawl 1/young women/a.jpg": (("mask1",), "female", (18, 29), True)}


def test_photos_without_the_label_of_the_others_are_rejected(tmp_path: Path) -> None:
    listed = read_class_folders(photos_at(tmp_path, "loose.jpg", "male/a.jpg", "worn/b.jpg"), TableWords())
    assert [face.where for face in listed.faces] == ["worn/b.jpg"]
    assert [(each.where, each.remedy) for each in listed.rejected] == [
        ("loose.jpg", "Move it into one."),
        ("male/a.jpg", "Move it into one."),
    ]


def test_every_unclear_folder_and_mapping_is_named(tmp_path: Path) -> None:
    source = photos_at(tmp_path, "A/a.jpg", "B/b.jpg", "B/c.jpg", "worn/d.jpg")
    with pytest.raises(DataError) as caught:
        read_class_folders(source, TableWords(folders={"A": "vorn", "gone": "male"}))
    gone, unknown_class, unknown_name = caught.value.problems
    assert "--map gone= must be the name of a folder below" in gone
    assert "got 'vorn'. Add --map A=CLASS, or - for nothing." in unknown_class
    assert unknown_name.startswith("the folder B (2 photos) must be ")
    assert "worn, incorrect, not_worn, male, female, " in unknown_name


def test_bare_faces_need_no_label(tmp_path: Path) -> None:
    listed = read_bare_faces(photos_at(tmp_path, "a.jpg", "deep/b.png", "clip.mp4"))
    assert labels(listed) == {
        "a.jpg": (("normal",), "Unknown", None, False),
        "deep/b.png": (("normal",), "Unknown", None, False),
    }
    assert [each.where for each in listed.rejected] == ["clip.mp4"]
