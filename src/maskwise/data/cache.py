"""Every photo decoded, cropped and resized once, into one file of rows of bytes.

    <cache>/<hash>/pixels.u8    rows of height × width × 3 bytes, a folder per settings (see ``row_file``)
    <cache>/seen.sqlite         which row has which content, and which file had which content when last read

Rows become durable in chunks, so a kill loses at most one chunk and the one that is being prepared.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwise.data.contents import content_of
from maskwise.data.row_file import RowFile, damaged_rows, open_rows
from maskwise.errors import DataError, must
from maskwise.records import Image, Ints, Strings
from maskwise.seen_files import SeenFiles, no_note, stamp_of
from maskwise.tables import capped

FORMAT_VERSION = 1
PIXELS = "pixels.u8"
CHUNK_BYTES = 64 * 2**20
"""Rows are made durable when this many bytes are ready: a kill can lose, and a build takes in memory, twice as much."""
_TASK_PHOTOS = 16
"""Photos that a thread takes at once: to hand over each by itself cost as much as to decode a small one."""


class PixelCache:
    """The prepared pixels of N photos. Small to pickle: a worker process opens the same file again.

    Rows are read, not mapped: pages of a mapped file count as the process's memory until the machine runs short.
    """

    def __init__(self, file: Path, row_N: Ints, sum_N: Ints, content_N: Strings, height_px: int, width_px: int) -> None:
        self.file = file
        self.row_N = row_N
        self.sum_N = sum_N
        """CRC-32 of each photo's row, compared when it is first read."""
        self.content_N = content_N
        """The content hash of each photo's file, 32 hex digits."""
        self.height_px = height_px
        self.width_px = width_px
        self._rows = file.open("rb", buffering=0) if len(row_N) else None
        self._is_sound_N = np.zeros(len(row_N), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.row_N)

    def __reduce__(self) -> tuple[Any, ...]:
        return PixelCache, (self.file, self.row_N, self.sum_N, self.content_N, self.height_px, self.width_px)

    def read(self, index_M: Ints) -> Image:
        """The photos at positions ``index_M`` of the list that was built: a fresh M × H × W × 3 array."""
        pixels_MHWC = np.empty((len(index_M), self.height_px, self.width_px, 3), dtype=np.uint8)
        for pixels_HWC, place in zip(pixels_MHWC, index_M.tolist(), strict=True):
            self._read_row(place, pixels_HWC)
        return pixels_MHWC

    def _read_row(self, place: int, pixels_HWC: Image) -> None:
        """Fill ``pixels_HWC``; several threads may do so at once, as no position in the file is shared."""
        assert self._rows is not None, "a cache of no photos has no row to read"
        row = int(self.row_N[place])
        got = ""
        if os.preadv(self._rows.fileno(), [pixels_HWC.data], row * pixels_HWC.nbytes) != pixels_HWC.nbytes:
            got = f"cut short before row {row}"
        elif not self._is_sound_N[place]:
            self._is_sound_N[place] = zlib.crc32(pixels_HWC.data) == self.sum_N[place]
            got = "" if self._is_sound_N[place] else f"other bytes in row {row}"
        if got:
            raise damaged_rows(self.file, got)


def build_cache(
    cache_root: Path,
    paths: Sequence[Path | str],
    settings: Mapping[str, object],
    prepare: Callable[[bytes, str], Image],
    height_px: int,
    width_px: int,
    threads: int,
    advance: Callable[[int], None],
    note: Callable[[str], None] = no_note,
) -> PixelCache:
    """Prepare every photo of ``paths`` that is not in the cache yet, and open the cache in the order of ``paths``.

    ``prepare(data, name)`` gives ``height_px`` × ``width_px`` × 3; ``settings`` (JSON-able) says everything that its
    result depends on. ``advance(n)`` hears of every n photos done. Files of equal content share a row. A second
    builder of the same folder waits for the first. ``DataError`` lists the unreadable photos, after all others are
    cached; ``StoreError`` when the disk refuses.
    """
    made_with = _as_text(settings, height_px, width_px)
    row_bytes = height_px * width_px * 3
    with open_rows(cache_root, made_with, PIXELS, row_bytes, note) as rows, _single_threaded_opencv():
        build = _Build(rows, prepare, (height_px, width_px, 3))
        content_N = _build_rows(build, paths, SeenFiles(cache_root, "contents", note), threads, advance)
    _refuse_unreadable(build, paths, content_N)
    row_N, sum_N = (
        np.fromiter((value_of[content] for content in content_N), dtype=np.int64, count=len(paths))
        for value_of in (rows.row_of, rows.sum_of)
    )
    return PixelCache(rows.file, row_N, sum_N, np.array(content_N, dtype=object), height_px, width_px)


@dataclass
class _Build:
    """What the threads of one build share."""

    rows: RowFile
    prepare: Callable[[bytes, str], Image]
    shape: tuple[int, int, int]
    claimed: set[str] = field(default_factory=set)
    fault_of: dict[str, str] = field(default_factory=dict)
    """Why a content cannot be prepared."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, content: str) -> bool:
        """True for the one caller who is to prepare this content."""
        with self.lock:
            if content in self.rows.row_of or content in self.claimed:
                return False
            self.claimed.add(content)
            return True


@dataclass(frozen=True)
class _Result:
    """What became of one photo: its content ("" if the file could not be read) and its pixels if they are new."""

    position: int
    content: str
    stamp: str | None = None
    photo: Image | None = None


def _build_rows(
    build: _Build, paths: Sequence[Path | str], seen: SeenFiles, threads: int, advance: Callable[[int], None]
) -> list[str]:
    """Cache what is missing; the content of every path, "" or a content of ``fault_of`` where it is unreadable."""
    content_N = _known_contents(paths, seen)
    todo = [k for k, content in enumerate(content_N) if content not in build.rows.row_of]
    advance(len(paths) - len(todo))
    ready: dict[str, Image] = {}
    fresh: dict[str, bytes] = {}
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for chunk in _chunks(todo, max(CHUNK_BYTES // build.rows.row_bytes, 1)):
            # Begun before the rows of the chunk before are written: the disk and the threads work at the same time.
            tasks = pool.map(lambda task: [_prepare_one(build, k, Path(paths[k])) for k in task], _tasks(chunk))
            _keep(build, seen, ready, fresh)
            ready, fresh = {}, {}
            for result in chain.from_iterable(tasks):
                content_N[result.position] = result.content
                if result.stamp and result.content:
                    fresh[result.stamp] = bytes.fromhex(result.content)
                if result.photo is not None:
                    ready[result.content] = result.photo
                advance(1)
    _keep(build, seen, ready, fresh)
    return content_N


def _keep(build: _Build, seen: SeenFiles, ready: Mapping[str, Image], fresh: Mapping[str, bytes]) -> None:
    build.rows.append(ready)
    seen.put(fresh)


def _known_contents(paths: Sequence[Path | str], seen: SeenFiles) -> list[str]:
    """The content of every file that has not changed since it was read, "" of the others."""
    stamps = [_stamp(path) for path in paths]
    known = seen.get(filter(None, stamps))
    return [known[stamp].hex() if stamp in known else "" for stamp in stamps]


def _stamp(path: Path | str) -> str:
    try:
        return stamp_of(path) or ""
    except OSError:
        return ""


def _prepare_one(build: _Build, position: int, path: Path) -> _Result:
    try:
        with path.open("rb") as file:
            stamp = stamp_of(path, os.fstat(file.fileno()))
            data = file.read()
    except OSError as error:
        message = must(str(path), "readable", error.strerror or "an error", "Restore the file.")
        build.fault_of[str(path)] = message
        return _Result(position, "")
    content = content_of(data)
    if not build.claim(content):
        return _Result(position, content, stamp)
    try:
        photo = build.prepare(data, str(path))
    except DataError as error:
        build.fault_of[content] = str(error)
        return _Result(position, content, stamp)
    if photo.shape != build.shape or photo.dtype != np.uint8:
        raise ValueError(f"prepare must give uint8 {build.shape}, got {photo.dtype} {photo.shape} for {path}")
    return _Result(position, content, stamp, photo)


def _refuse_unreadable(build: _Build, paths: Sequence[Path | str], content_N: Sequence[str]) -> None:
    if not build.fault_of:
        return
    faults = []
    for path, content in zip(map(Path, paths), content_N, strict=True):
        fault = build.fault_of.get(content or str(path))
        if fault is not None:
            # A copy of a damaged file is named by its own name.
            faults.append(fault if str(path) in fault else f"{path}: same content as: {fault}")
    raise DataError(capped(faults))


def _as_text(settings: Mapping[str, object], height_px: int, width_px: int) -> str:
    """Everything that the rows depend on, as text."""
    everything = {"format": FORMAT_VERSION, "height_px": height_px, "width_px": width_px, "settings": dict(settings)}
    return json.dumps(everything, sort_keys=True, indent=1)


def _tasks(chunk: list[int]) -> Iterator[list[int]]:
    return _chunks(chunk, _TASK_PHOTOS)


def _chunks(items: Iterable[int], size: int) -> Iterator[list[int]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Our threads each decode a photo; OpenCV's own would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
