"""Every photo decoded, cropped and resized once, into one file of rows of bytes.

A folder a settings hash, below the cache's root:

    <hash>/settings.json    what the rows were made with, for people to read
    <hash>/pixels.u8        rows of height × width × 3 bytes, only ever appended
    <hash>/index            16 bytes a row: the content hash of the file that the row was made from
    seen                    which file had which content when last read: spares reading unchanged files

The index is replaced, whole, after the rows of a chunk are on the disk, so a kill loses at most that chunk and the one
that is being prepared: rows beyond the index count for nothing and are written over by the next build.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
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
from maskwise.data.row_file import RowFile, describe
from maskwise.data.seen_files import SeenFiles, stat_key
from maskwise.errors import DataError, StoreError, must
from maskwise.files import locked
from maskwise.records import Image, Ints, Strings
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

    def __init__(self, file: Path, row_N: Ints, content_N: Strings, height_px: int, width_px: int) -> None:
        self.file = file
        self.row_N = row_N
        self.content_N = content_N
        """The content hash of each photo's file, 32 hex digits."""
        self.height_px = height_px
        self.width_px = width_px
        self._rows = file.open("rb", buffering=0) if len(row_N) else None

    def __len__(self) -> int:
        return len(self.row_N)

    def __reduce__(self) -> tuple[Any, ...]:
        return PixelCache, (self.file, self.row_N, self.content_N, self.height_px, self.width_px)

    def read(self, index_M: Ints) -> Image:
        """The photos at positions ``index_M`` of the list that was built: a fresh M × H × W × 3 array."""
        pixels_MHWC = np.empty((len(index_M), self.height_px, self.width_px, 3), dtype=np.uint8)
        for pixels_HWC, row in zip(pixels_MHWC, self.row_N[index_M].tolist(), strict=True):
            self._read_row(row, pixels_HWC)
        return pixels_MHWC

    def _read_row(self, row: int, pixels_HWC: Image) -> None:
        """Fill ``pixels_HWC``; several threads may do so at once, as no position in the file is shared."""
        assert self._rows is not None, "a cache of no photos has no row to read"
        if os.preadv(self._rows.fileno(), [pixels_HWC.data], row * pixels_HWC.nbytes) != pixels_HWC.nbytes:
            got = f"cut short before row {row}"
            raise StoreError(must(str(self.file), "whole", got, "Delete its folder; it is made anew."))


def build_cache(
    cache_root: Path,
    paths: Sequence[Path],
    settings: Mapping[str, object],
    prepare: Callable[[bytes, str], Image],
    height_px: int,
    width_px: int,
    threads: int,
    advance: Callable[[int], None],
) -> PixelCache:
    """Prepare every photo of ``paths`` that is not in the cache yet, and open the cache in the order of ``paths``.

    ``prepare(data, name)`` gives ``height_px`` × ``width_px`` × 3; ``settings`` (JSON-able) says everything that its
    result depends on. ``advance(n)`` is told of every n photos done. Files of equal content share a row. A second
    builder of the same folder waits for the first. ``DataError`` lists the unreadable photos, after all others are
    cached; ``StoreError`` when the disk refuses.
    """
    told = _told(settings, height_px, width_px)
    folder = cache_root / hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
    row_bytes = height_px * width_px * 3
    with locked(folder / "lock"), _single_threaded_opencv():
        describe(folder, told)
        build = _Build(RowFile.open(folder, PIXELS, row_bytes), prepare, (height_px, width_px, 3))
        seen = SeenFiles.load(cache_root)
        try:
            content_N = _build_rows(build, paths, seen, threads, advance)
        finally:
            seen.save()
    _refuse_unreadable(build, paths, content_N)
    row_N = np.fromiter((build.rows.row_of[content] for content in content_N), dtype=np.int64, count=len(paths))
    return PixelCache(folder / PIXELS, row_N, np.array(content_N, dtype=object), height_px, width_px)


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
    key: bytes | None = None
    photo: Image | None = None


def _build_rows(
    build: _Build, paths: Sequence[Path], seen: SeenFiles, threads: int, advance: Callable[[int], None]
) -> list[str]:
    """Cache what is missing; the content of every path, "" or a content of ``fault_of`` where it is unreadable."""
    content_N = [seen.content(path) for path in paths]
    todo = [k for k, content in enumerate(content_N) if content not in build.rows.row_of]
    advance(len(paths) - len(todo))
    ready: dict[str, Image] = {}
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for chunk in _chunks(todo, max(CHUNK_BYTES // build.rows.row_bytes, 1)):
            # Begun before the rows of the chunk before are written: the disk and the threads work at the same time.
            tasks = pool.map(lambda task: [_prepare_one(build, k, paths[k]) for k in task], _tasks(chunk))
            build.rows.append(ready)
            ready = {}
            for result in chain.from_iterable(tasks):
                content_N[result.position] = result.content
                seen.note(result.key, result.content)
                if result.photo is not None:
                    ready[result.content] = result.photo
                advance(1)
    build.rows.append(ready)
    return content_N


def _prepare_one(build: _Build, position: int, path: Path) -> _Result:
    try:
        with path.open("rb") as file:
            key = stat_key(path, os.fstat(file.fileno()))
            data = file.read()
    except OSError as error:
        message = must(str(path), "readable", error.strerror or "an error", "Restore the file.")
        build.fault_of[str(path)] = message
        return _Result(position, "")
    content = content_of(data)
    if not build.claim(content):
        return _Result(position, content, key)
    try:
        photo = build.prepare(data, str(path))
    except DataError as error:
        build.fault_of[content] = str(error)
        return _Result(position, content, key)
    if photo.shape != build.shape or photo.dtype != np.uint8:
        raise ValueError(f"prepare must give uint8 {build.shape}, got {photo.dtype} {photo.shape} for {path}")
    return _Result(position, content, key, photo)


def _refuse_unreadable(build: _Build, paths: Sequence[Path], content_N: Sequence[str]) -> None:
    if not build.fault_of:
        return
    faults = []
    for path, content in zip(paths, content_N, strict=True):
        fault = build.fault_of.get(content or str(path))
        if fault is not None:
            # A copy of a damaged file is named by its own name.
            faults.append(fault if str(path) in fault else f"{path}: same content as: {fault}")
    raise DataError(capped(faults))


def _told(settings: Mapping[str, object], height_px: int, width_px: int) -> str:
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
