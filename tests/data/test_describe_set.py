"""What is said of a data set, against counts made in another way."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from maskwise.data import describe_set as module
from maskwise.data.describe_set import SetNumbers, compared_photos, describe_set, mean_std_setting
from maskwise.data.manifest import read_train
from maskwise.data.photo_facts import SMALL_HEIGHT_PX, SMALL_WIDTH_PX, PhotoFacts, look_at_photos
from maskwise.data.pixels import decode_photo
from maskwise.errors import DataError
from maskwise.labels import Task
from support.quirks import HEIGHT_PX, PEOPLE, WIDTH_PX, write_quirky

TASK = Task()


def look(root: Path, names: list[str] | None = None) -> tuple[SetNumbers, PhotoFacts]:
    table = read_train(root, TASK).table
    done: list[int] = []
    facts = look_at_photos(root, names or table.photo_N, None, done.append, threads=2)
    assert sum(done) == len(table)
    return describe_set(table, facts, TASK), facts


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_quirky(tmp_path)


def test_people_photos_and_classes_are_counted(root: Path) -> None:
    numbers, _ = look(root)
    # Ids that differ in their suffix, or not at all, are one person: 000748 and 000748-1, 003397 twice.
    assert (numbers.people, numbers.photos) == (len(PEOPLE) - 2, 7 * len(PEOPLE))
    assert numbers.people_with_photos == {7: len(PEOPLE) - 4, 14: 2}
    rows = {row.name: row for row in numbers.classes}
    assert rows["worn · female · under 30"][1:] == (2, 15)  # 003397 in two rows, and 006359: five worn photos each
    assert rows["not_worn · male · 60 and over"][1:] == (1, 1)
    assert numbers.largest_over_smallest == 15
    assert sum(row.photos for row in numbers.classes) == numbers.photos
    assert numbers.people_GA.tolist() == [[3, 1, 1], [2, 2, 0]]
    assert numbers.people_of_age[60] == 1
    assert [*numbers.people_of_age] == sorted(numbers.people_of_age)


def test_sizes_formats_and_colors_are_those_of_the_pixels(root: Path) -> None:
    numbers, facts = look(root)
    assert numbers.photos_of_size == {f"{WIDTH_PX} × {HEIGHT_PX}": 77}
    names = read_train(root, TASK).table.photo_N.tolist()
    endings = Counter(name.rpartition(".")[2].lower() for name in names)
    assert numbers.photos_of_format == {"jpeg": endings["jpg"] + endings["jpeg"], "png": endings["png"]}
    assert numbers.bytes == sum((root / name).stat().st_size for name in names)
    pixels = np.concatenate([decode_photo((root / name).read_bytes(), name).reshape(-1, 3) / 255 for name in names])
    np.testing.assert_allclose(numbers.mean_C, pixels.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(numbers.std_C, pixels.std(axis=0), atol=1e-3)
    lowest, *_, highest = numbers.brightness_quantiles
    assert (lowest, highest) == (facts.brightness().min(), facts.brightness().max())
    assert facts.small_NHWC.shape == (77, SMALL_HEIGHT_PX, SMALL_WIDTH_PX, 3)
    assert mean_std_setting((0.5481, 0.504, 0.4789)) == "[0.548, 0.504, 0.479]"


def test_copies_and_unreadable_photos_are_reported(root: Path) -> None:
    folders = [root / "train/images" / person.folder for person in PEOPLE]
    source = next(folders[0].glob("mask1.*"))
    target = next(folders[9].glob("mask4.*"))
    shutil.copy(source, target)
    broken = next(folders[4].glob("normal.*"))
    broken.write_bytes(b"no photo")
    numbers, facts = look(root)
    assert numbers.copies == ((source.relative_to(root).as_posix(), target.relative_to(root).as_posix()),)
    assert numbers.near[0][:2] == numbers.copies[0]
    assert numbers.near[0][2] == pytest.approx(1, abs=1e-4)
    assert len(numbers.unreadable) == 1
    assert broken.relative_to(root).as_posix() in numbers.unreadable[0]
    assert len(facts.index_N) == numbers.photos - 1 == numbers.compared


def test_faces_are_looked_for_once_a_photo(root: Path) -> None:
    table = read_train(root, TASK).table
    seen: list[str] = []

    def has_face(content: str, photo: object) -> bool:
        seen.append(content)
        return len(seen) > 3

    facts = look_at_photos(root, table.photo_N, has_face, print, threads=1)
    assert len(seen) == len(table)
    assert describe_set(table, facts, TASK).faceless == tuple(table.photo_N[:3].tolist())
    assert look(root)[0].faceless is None


def test_nothing_readable_is_an_error(root: Path) -> None:
    with pytest.raises(DataError, match="photos must be readable, one at least"):
        look_at_photos(root, ["nowhere.jpg"], None, print)


def test_of_too_many_photos_the_bare_ones_are_compared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_train(root, TASK).table
    assert compared_photos(table).tolist() == list(range(77))
    monkeypatch.setattr(module, "MOST_COMPARED", 10)
    assert (table.mask_N[compared_photos(table)] == 2).all()
    assert len(compared_photos(table)) == 10
