"""Data sets in tar shards: the same photos, labels and pixels as from a folder, with nothing unpacked."""

from __future__ import annotations

import os
import resource
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from maskwise import seen_files
from maskwise.data import shards as shards_module
from maskwise.data.cache import PixelCache
from maskwise.data.checks import check_data
from maskwise.data.manifest import read_eval, read_train
from maskwise.data.pixels import decode_photo
from maskwise.data.problems import DataProblem
from maskwise.data.readable import find_unreadable
from maskwise.data.shards import MEMORY, ShardPhoto, ShardPixels, is_sharded, open_shards
from maskwise.errors import DataError
from maskwise.fitting.photos import cached_pixels
from maskwise.labels import Task
from maskwise.records import Image
from maskwise.seen_files import FILE
from support.fits import SPEC, Remember
from support.packed_sets import add, labels, pack
from support.quirks import PEOPLE, encode, noise, write_quirky


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_quirky(tmp_path / "folder")


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> Path:
    return pack(folder, read_train(folder, Task()).table, tmp_path / "packed", 20)


def one_shard(root: Path, **members: bytes) -> Path:
    """A data set of one shard; ``a__jpg`` is the member a.jpg."""
    (root / "train").mkdir(parents=True)
    with tarfile.open(root / "train/0.tar", "w") as tar:
        for name, data in members.items():
            add(tar, name.replace("__", "."), data)
    return root


def as_they_are(data: bytes, name: str) -> Image:
    return decode_photo(data, name)


def test_shards_hold_the_same_labels_as_the_folder(folder: Path, packed: Path) -> None:
    theirs, ours = read_train(folder, Task()).table, read_train(packed, Task()).table
    assert len(ours) == 7 * len(PEOPLE)
    for column in ("person_N", "mask_N", "gender_N", "age_years_N", "class_N", "train_class_N"):
        assert getattr(ours, column).tolist() == getattr(theirs, column).tolist()
    assert ours.photo_N[21].startswith("train/000001.tar/part/000021.")
    assert not is_sharded(folder)
    assert is_sharded(packed)


def test_pixels_in_any_order_are_those_of_the_files(folder: Path, packed: Path) -> None:
    files = [decode_photo((folder / name).read_bytes(), name) for name in read_train(folder, Task()).table.photo_N]
    table = read_train(packed, Task()).table
    index_M = np.array([76, 3, 3, 0, 41])
    pixels = ShardPixels(open_shards(packed), table.photo_N, as_they_are, 20, 16)
    np.testing.assert_array_equal(pixels.read(index_M), np.stack([files[k] for k in index_M]))
    assert len(pixels) == len(table)
    # A part of the table in another order.
    part = table.take(index_M)
    some = ShardPixels(open_shards(packed), part.photo_N, as_they_are, 20, 16)
    np.testing.assert_array_equal(some.read(np.array([0])), files[76][None])
    assert some.content_N.tolist() == pixels.content_N[index_M].tolist()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_files, "SETTLED_SECONDS", 0.0)


@pytest.mark.usefixtures("settled")
def test_only_shards_that_change_are_read_again(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time.sleep(0.02)
    made = open_shards(packed)
    opened: list[str] = []
    index = shards_module._index_shard

    def counted(root: Path, shard: str) -> tuple[list[ShardPhoto], list[DataProblem]]:
        opened.append(shard)
        return index(root, shard)

    monkeypatch.setattr(shards_module, "_index_shard", counted)
    assert open_shards(packed) == made
    assert opened == []
    os.utime(packed / "train/000002.tar", ns=(1, 1))
    time.sleep(0.02)
    assert open_shards(packed) == made
    assert opened == ["train/000002.tar"]
    (packed / MEMORY / FILE).write_bytes(b"torn" * 500)
    assert open_shards(packed) == made


@pytest.mark.usefixtures("settled")
def test_a_shard_of_equal_size_with_its_time_restored_is_seen_as_changed(tmp_path: Path) -> None:
    photo = encode(noise(np.random.default_rng(0)))
    shard = one_shard(tmp_path / "a", a__jpg=photo, a__json=labels(age=34)) / "train/0.tar"
    time.sleep(0.02)
    assert read_train(tmp_path / "a", Task()).table.age_years_N.tolist() == [34]
    before = shard.stat()
    other = one_shard(tmp_path / "b", a__jpg=photo, a__json=labels(age=43)) / "train/0.tar"
    shard.write_bytes(other.read_bytes())
    os.utime(shard, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (shard.stat().st_size, shard.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert read_train(tmp_path / "a", Task()).table.age_years_N.tolist() == [43]


def test_photos_of_any_ending_are_found_and_what_has_no_photo_is_named(tmp_path: Path) -> None:
    photo = encode(noise(np.random.default_rng(0)))
    root = one_shard(tmp_path, a__jfif=photo, a__json=labels(), b__heic=encode(noise(np.random.default_rng(1)), "HEIF"))
    with tarfile.open(root / "train/0.tar", "a") as tar:
        further = {
            "b.json": labels(),
            "._b.jpg": b"side file",
            "noending": photo,
            "noending.json": labels(),
            "c.png": photo,
            "c.jpg": photo,
            "c.json": labels(),
            "clip.mp4": b"film",
            "clip.json": labels(),
            "alone.json": labels(),
            "a.txt": b"a text beside a photo",
        }
        for name, data in further.items():
            add(tar, name, data)
    found = open_shards(root)
    assert [photo.name.rpartition("/")[2] for photo in found.photos] == ["a.jfif", "b.heic", "noending", "c.png"]
    assert {problem.where for problem in found.problems} == {
        "train/0.tar/c.jpg",
        "train/0.tar/clip.mp4",
        "train/0.tar/alone.json",
    }


def test_every_flaw_is_reported_with_its_shard(tmp_path: Path) -> None:
    photo = encode(noise(np.random.default_rng(0)))
    root = one_shard(
        tmp_path,
        a__jpg=photo,
        b__jpg=photo,
        b__json=labels(mask="half"),
        c__jpg=photo,
        c__json=labels(gender="f"),
        d__jpg=photo,
        d__json=labels(age=34.5),
        e__jpg=photo,
        e__json=b"[]",
        f__jpg=photo,
        f__json=b"{",
        g__jpg=photo,
        g__json=labels(age=True),
        h__jpg=b"",
        h__json=labels(),
    )
    whole = (root / "train/0.tar").read_bytes()
    (root / "train/1.tar").write_bytes(whole[:700])
    (root / "train/2.tar").write_bytes(b"no tar at all")
    with pytest.raises(DataError) as caught:
        read_train(root, Task())
    places = [(line.split(": ")[0], line.split(": ")[1].split(" must")[0]) for line in caught.value.problems]
    assert places == [
        ("train/0.tar/a.jpg", "a photo"),
        ("train/0.tar/b.jpg", "mask"),
        ("train/0.tar/c.jpg", "gender"),
        ("train/0.tar/d.jpg", "age"),
        ("train/0.tar/e.jpg", "the labels"),
        ("train/0.tar/f.jpg", "the labels"),
        ("train/0.tar/g.jpg", "age"),
        ("train/1.tar", "the shard"),
        ("train/2.tar", "the shard"),
    ]
    checked = [problem.where for problem in check_data(root, Task())]
    assert checked == ["eval", *(place for place, _ in places[:7]), "train/0.tar/h.jpg", "train/1.tar", "train/2.tar"]


def head_of(name: str, size: int, kind: bytes = tarfile.REGTYPE, **words: str) -> bytes:
    """The header of a member; before it one of words (POSIX's pax), ``GNU__sparse__size`` for GNU.sparse.size."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    member.pax_headers = {key.replace("__", "."): word for key, word in words.items()}
    return member.tobuf(tarfile.PAX_FORMAT if words else tarfile.GNU_FORMAT)


LONG_NAME = head_of("././@LongLink", 4, tarfile.GNUTYPE_LONGNAME) + b"a.jp".ljust(512, b"\0")
HOSTILE = {
    "a long name of a long name of …": LONG_NAME * 3000 + head_of("a.jpg", 0),
    "words about words about …": head_of("a.jpg", 1, comment="x")[:1024] * 3000,
    "says that it is 2**62 bytes long": head_of("a.jpg", 2**62),
    "a byte and a terabyte of zeros": head_of("a.jpg", 1, GNU__sparse__realsize="9" * 12, GNU__sparse__map="0,1"),
    "holes that are no numbers": head_of("a.jpg", 1, GNU__sparse__map="a,b"),
    "holes by GNU's header": head_of("a.jpg", 1, tarfile.GNUTYPE_SPARSE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_small_archives_that_cost_much_or_never_end(name: str, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/0.tar").write_bytes(HOSTILE[name] + b"x".ljust(512, b"\0") + bytes(1024))
    before_kb, begin_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    (problem,) = open_shards(tmp_path).problems
    assert problem.where == "train/0.tar"
    assert time.process_time() - begin_s < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000


def test_labels_of_any_shape_are_named(tmp_path: Path) -> None:
    photo = encode(noise(np.random.default_rng(0)))
    root = one_shard(
        tmp_path,
        **{"a__jpg": photo, "a__json": b"[" * 200_000, "b__jpg": photo, "b__json": labels(gender=["male"])},
        **{"c__jpg": photo, "c__json": labels(mask={}), "d__jpg": photo, "d__json": labels(age=10**400)},
    )
    assert [problem.message.split(" must")[0] for problem in open_shards(root).problems] == [
        *("the labels", "gender", "mask", "age")
    ]


def test_photos_without_a_person_are_people_of_their_own(tmp_path: Path) -> None:
    photo = encode(noise(np.random.default_rng(0)))
    root = one_shard(tmp_path, a__jpg=photo, a__json=labels(person=None), b__PNG=photo, b__json=labels(person=7))
    table = read_train(root, Task()).table
    assert table.person_N.tolist() == ["train/0.tar/a.jpg", "7"]
    assert find_unreadable(root, table.photo_N, print) == {}


def test_what_cannot_be_used_is_refused(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="left out for a set in tar shards"):
        read_train(packed, Task(), ("consensus",))
    with pytest.raises(DataError, match="a folder of shards with photos"):
        read_train(one_shard(tmp_path / "empty"), Task())
    shards = open_shards(packed)
    (packed / "train/000000.tar").write_bytes(b"short")
    with pytest.raises(DataError, match="as it was indexed"):
        shards.read(shards.photos[0])
    (packed / "train/000000.tar").unlink()
    with pytest.raises(DataError, match="No such file"):
        shards.read(shards.photos[0])


def test_a_training_sees_the_same_pixels_and_keeps_none(folder: Path, packed: Path, tmp_path: Path) -> None:
    listener = Remember()
    tables = [read_train(root, Task()).table for root in (folder, packed)]
    cached, streamed = (
        cached_pixels(root, table, SPEC, tmp_path / "cache" / root.name, listener)
        for root, table in zip((folder, packed), tables, strict=True)
    )
    everything = np.arange(len(tables[0]))
    np.testing.assert_array_equal(streamed.read(everything), cached.read(everything))
    assert streamed.content_N.tolist() == cached.content_N.tolist()
    assert not (tmp_path / "cache" / "packed").exists()
    assert any("decoded anew in every epoch" in note for note in listener.notes)
    # The eval part are files, beside the shards, too.
    write_quirky(tmp_path / "other").joinpath("eval").rename(packed / "eval")
    unlabeled = read_eval(packed, Task())
    assert isinstance(cached_pixels(packed, unlabeled, SPEC, tmp_path / "cache" / "eval", listener), PixelCache)
