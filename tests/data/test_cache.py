from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise import seen_files
from maskwise.data import cache as cache_module
from maskwise.data.cache import PixelCache, build_cache
from maskwise.data.contents import content_of
from maskwise.data.pixels import prepare
from maskwise.errors import DataError, StoreError
from maskwise.records import Image
from maskwise.seen_files import SeenFiles
from support.quirks import encode, noise

HEIGHT_PX, WIDTH_PX = 12, 8
SETTINGS: Mapping[str, object] = {"crop": {"kind": "none"}, "decoder": 1}


def _whole(data: bytes, name: str) -> Image:
    return prepare(data, name, lambda photo: photo, HEIGHT_PX, WIDTH_PX)


def _ignore(_: int) -> None:
    """Progress that nobody watches."""


class Counting:
    """Prepares photos and remembers which."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, data: bytes, name: str) -> Image:
        self.names.append(Path(name).name)
        return _whole(data, name)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / "photos" / f"{k:02d}.png" for k in range(12)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(encode(noise(rng), "PNG"))
    return paths


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "CHUNK_BYTES", 4 * HEIGHT_PX * WIDTH_PX * 3)


def _build(root: Path, paths: list[Path], counting: Counting | None = None, **settings: object) -> PixelCache:
    everything = {**SETTINGS, **settings}
    return build_cache(root, paths, everything, counting or Counting(), HEIGHT_PX, WIDTH_PX, 2, _ignore)


def _fresh(paths: list[Path]) -> Image:
    return np.stack([_whole(path.read_bytes(), str(path)) for path in paths])


def test_the_cache_holds_what_prepare_gives_in_the_order_of_the_paths(tmp_path: Path, photos: list[Path]) -> None:
    cache = _build(tmp_path / "cache", photos[::-1])
    index_M = np.array([3, 3, 0, 11])
    read = cache.read(index_M)
    np.testing.assert_array_equal(read, _fresh(photos[::-1])[index_M])
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    assert read.flags.writeable
    assert len(cache) == 12
    assert cache.content_N.tolist() == [content_of(path.read_bytes()) for path in photos[::-1]]
    np.testing.assert_array_equal(_build(tmp_path / "cache", photos).read(np.arange(12)), _fresh(photos))


def test_nothing_is_prepared_twice(tmp_path: Path, photos: list[Path]) -> None:
    done: list[int] = []
    build_cache(tmp_path / "cache", photos, SETTINGS, _whole, HEIGHT_PX, WIDTH_PX, 2, done.append)
    again = Counting()
    build_cache(tmp_path / "cache", photos, SETTINGS, again, HEIGHT_PX, WIDTH_PX, 2, done.append)
    assert again.names == []
    assert sum(done) == 24


def test_only_a_changed_file_is_prepared_again(tmp_path: Path, photos: list[Path]) -> None:
    _build(tmp_path / "cache", photos)
    photos[5].write_bytes(encode(noise(np.random.default_rng(9)), "PNG"))
    counting = Counting()
    cache = _build(tmp_path / "cache", photos, counting)
    assert counting.names == ["05.png"]
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))


def test_a_moved_data_set_is_not_prepared_again(tmp_path: Path, photos: list[Path]) -> None:
    _build(tmp_path / "cache", photos)
    photos[0].parent.rename(tmp_path / "moved")
    moved = [tmp_path / "moved" / path.name for path in photos]
    counting = Counting()
    cache = _build(tmp_path / "cache", moved, counting)
    assert counting.names == []
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(moved))


def test_other_settings_and_sizes_have_rows_of_their_own(tmp_path: Path, photos: list[Path]) -> None:
    _build(tmp_path / "cache", photos)
    counting = Counting()
    _build(tmp_path / "cache", photos, counting, crop={"kind": "center"})
    assert len(counting.names) == 12
    small = build_cache(tmp_path / "cache", photos, SETTINGS, lambda d, n: _whole(d, n)[:5], 5, WIDTH_PX, 1, _ignore)
    np.testing.assert_array_equal(small.read(np.arange(12)), _fresh(photos)[:, :5])


def test_equal_contents_share_a_row_and_are_prepared_once(tmp_path: Path, photos: list[Path]) -> None:
    photos[7].write_bytes(photos[1].read_bytes())
    photos[2].write_bytes(photos[1].read_bytes())
    counting = Counting()
    cache = _build(tmp_path / "cache", photos, counting)
    assert len(counting.names) == 10
    assert cache.file.stat().st_size == 10 * HEIGHT_PX * WIDTH_PX * 3
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))


def test_settled_files_are_not_read_again(tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_files, "SETTLED_SECONDS", 0.0)
    time.sleep(0.02)
    _build(tmp_path / "cache", photos)
    opened: list[Path] = []
    monkeypatch.setattr(Path, "open", _remembering(opened, Path.open))
    _build(tmp_path / "cache", photos)
    assert not [path for path in opened if path.suffix == ".png"]


def _remembering(opened: list[Path], really_open: object) -> object:
    def spying(path: Path, *args: object, **options: object) -> object:
        opened.append(path)
        return really_open(path, *args, **options)  # type: ignore[operator]

    return spying


@pytest.mark.parametrize("settled_seconds", [0.0, 2.0])
def test_no_change_goes_unseen(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch, settled_seconds: float
) -> None:
    """Files of equal size, replaced, rewritten in place or with their times set back, are seen to be others."""
    monkeypatch.setattr(seen_files, "SETTLED_SECONDS", settled_seconds)
    rng = np.random.default_rng(1)
    for path in photos:
        path.write_bytes(encode(noise(rng), "BMP"))
    time.sleep(0.02)
    for turn in range(8):
        path = photos[turn]
        before = path.stat()
        data = encode(noise(rng), "BMP")
        if turn % 2:
            path.write_bytes(data)
        else:
            other = path.with_suffix(".new")
            other.write_bytes(data)
            other.replace(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        if not settled_seconds:
            time.sleep(0.02)
        cache = _build(tmp_path / "cache", photos)
        np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))


def test_unreadable_photos_are_reported_together_after_the_others_are_cached(
    tmp_path: Path, photos: list[Path]
) -> None:
    photos[1].write_bytes(b"")
    photos[4].write_bytes(photos[4].read_bytes()[:-30])
    photos[9].write_bytes(photos[4].read_bytes())
    photos[6].unlink()
    with pytest.raises(DataError) as caught:
        _build(tmp_path / "cache", photos)
    assert len(caught.value.problems) == 4
    for problem, name in zip(caught.value.problems, ("01", "04", "06", "09"), strict=True):
        assert f"{name}.png" in problem
    counting = Counting()
    sound = [photos[k] for k in (0, 2, 3, 5, 7, 8, 10, 11)]
    _build(tmp_path / "cache", sound, counting)
    assert counting.names == []


def test_a_long_list_of_unreadable_photos_is_cut(tmp_path: Path) -> None:
    absent = [tmp_path / f"{k}.jpg" for k in range(60)]
    with pytest.raises(DataError) as caught:
        _build(tmp_path / "cache", absent)
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1] == "… and 10 more problems of this kind."


def test_a_photo_turned_by_exif_gives_the_same_pixels(tmp_path: Path) -> None:
    photo = noise(np.random.default_rng(0))
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    upright.write_bytes(encode(photo, "PNG"))
    # Orientation 6: the camera lay on its side, the photo must be turned by a quarter clockwise.
    turned.write_bytes(encode(np.ascontiguousarray(np.rot90(photo)), "PNG", exif=exif.tobytes()))
    cache = _build(tmp_path / "cache", [upright, turned])
    one, other = cache.read(np.array([0, 1]))
    np.testing.assert_array_equal(one, other)
    assert cache.content_N[0] != cache.content_N[1]


def test_a_pickled_cache_is_small_and_reads_the_same(tmp_path: Path, photos: list[Path]) -> None:
    cache = _build(tmp_path / "cache", photos)
    text = pickle.dumps(cache)
    assert len(text) < 3500
    np.testing.assert_array_equal(pickle.loads(text).read(np.arange(12)), cache.read(np.arange(12)))


def test_an_empty_list_gives_an_empty_cache(tmp_path: Path) -> None:
    assert _build(tmp_path / "cache", []).read(np.arange(0)).shape == (0, HEIGHT_PX, WIDTH_PX, 3)


def test_a_prepare_of_the_wrong_shape_is_a_bug_and_is_said_so(tmp_path: Path, photos: list[Path]) -> None:
    with pytest.raises(ValueError, match="prepare must give"):
        build_cache(tmp_path / "c", photos, SETTINGS, lambda d, n: _whole(d, n)[1:], HEIGHT_PX, WIDTH_PX, 1, _ignore)


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreError, match="No space left on device"):
        _build(tmp_path / "c", photos)
    monkeypatch.undo()
    np.testing.assert_array_equal(_build(tmp_path / "c", photos).read(np.arange(12)), _fresh(photos))


def test_a_cache_cut_short_while_it_is_open_is_refused(tmp_path: Path, photos: list[Path]) -> None:
    cache = _build(tmp_path / "c", photos)
    os.truncate(cache.file, HEIGHT_PX * WIDTH_PX * 3 + 1)
    with pytest.raises(StoreError, match="cut short before row"):
        cache.read(np.arange(12))


@pytest.mark.parametrize("broken_at", [1, 3])
def test_a_disk_that_fills_up_on_the_way_is_said_in_one_line(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    calls = iter(range(1, 100))
    whole = os.fsync

    def full_at_last(descriptor: int) -> None:
        if next(calls) >= broken_at:
            raise OSError(28, "No space left on device")
        whole(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_last)
    with pytest.raises(StoreError, match="No space left on device"):
        _build(tmp_path / "c", photos)


def _slow(data: bytes, name: str) -> Image:
    time.sleep(0.05)
    return _whole(data, name)


def _build_in_process(root: Path, paths: list[Path], started: threading.Event) -> None:
    cache_module.CHUNK_BYTES = 2 * HEIGHT_PX * WIDTH_PX * 3
    started.set()
    build_cache(root, paths, SETTINGS, _slow, HEIGHT_PX, WIDTH_PX, 1, _ignore)


def _start(root: Path, paths: list[Path]) -> multiprocessing.process.BaseProcess:
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=_build_in_process, args=(root, paths, started))
    process.start()
    assert started.wait(20)
    return process


def _places(root: Path) -> dict[str, bytes]:
    folders = [path.parent.name for path in root.glob("*/settings.json")]
    return SeenFiles(root, f"rows of {folders[0]}/pixels.u8").all() if folders else {}


def test_a_killed_build_loses_a_chunk_at_most_and_is_taken_up(tmp_path: Path, photos: list[Path]) -> None:
    root = tmp_path / "cache"
    process = _start(root, photos)
    deadline = time.monotonic() + 20
    while len(_places(root)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    durable = len(_places(root))
    assert 4 <= durable < 12
    # Half a row more than the index says, as a kill in the middle of a write leaves it.
    with next(root.glob("*/pixels.u8")).open("ab") as file:
        file.write(b"x" * (HEIGHT_PX * WIDTH_PX * 3 // 2))
    counting = Counting()
    cache = _build(root, photos, counting)
    assert len(counting.names) == 12 - durable
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))
    clean = _build(tmp_path / "clean", photos)
    np.testing.assert_array_equal(cache.read(np.arange(12)), clean.read(np.arange(12)))
    assert not list(root.glob("*/.writing-*"))


def test_rows_that_were_cut_off_are_made_again(tmp_path: Path, photos: list[Path]) -> None:
    file = _build(tmp_path / "cache", photos).file
    os.truncate(file, 5 * HEIGHT_PX * WIDTH_PX * 3 + 7)
    counting = Counting()
    cache = _build(tmp_path / "cache", photos, counting)
    assert len(counting.names) == 7
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))


def test_two_builders_share_the_work(tmp_path: Path, photos: list[Path]) -> None:
    root = tmp_path / "cache"
    processes = [_start(root, photos), _start(root, photos[::-1])]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    counting = Counting()
    cache = _build(root, photos, counting)
    assert counting.names == []
    assert cache.file.stat().st_size == 12 * HEIGHT_PX * WIDTH_PX * 3
    np.testing.assert_array_equal(cache.read(np.arange(12)), _fresh(photos))
