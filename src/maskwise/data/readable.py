"""Which photos of a list can be read at all, and work on many photos in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from maskwise.data.contents import content_of
from maskwise.data.pixels import decode_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError, must
from maskwise.machine import usable_cores
from maskwise.records import Image, Strings

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
AT_ONCE = 1024
"""Photos handed to the threads together: a future for each of a million would weigh more than their names."""


def read_photo(read: Callable[[str], bytes], name: str) -> tuple[bytes, Image]:
    """A photo's file and its pixels. ``DataError`` where it cannot be read."""
    try:
        data = read(name)
    except OSError as error:
        raise DataError(must(name, "readable", error.strerror or "an error", "Restore the file.")) from error
    return data, decode_photo(data, name)


def look_into(read: Callable[[str], bytes], name: str) -> tuple[str | None, str | None]:
    """The content of a photo's file (None when there is none) and what is wrong with it (None: nothing)."""
    try:
        data = read(name)
    except OSError as error:
        return None, must("the photo", "readable", error.strerror or "an error", "Restore the file.")
    except DataError as error:
        return None, str(error)
    try:
        decode_photo(data, "the photo")
    except DataError as error:
        # Two empty files are two problems already, not a third for being alike.
        return content_of(data) if data else None, str(error)
    return content_of(data), None


def in_threads(work: Callable[[_Given], _Made], given: Sequence[_Given], threads: int | None = None) -> Iterator[_Made]:
    """``work`` on each of ``given``, in order, by ``threads`` threads (one a core if None)."""
    with ThreadPoolExecutor(threads or usable_cores(), thread_name_prefix="reading") as pool:
        for begin in range(0, len(given), AT_ONCE):
            yield from pool.map(work, given[begin : begin + AT_ONCE])


def find_unreadable(root: Path, photo_N: Strings, advance: Callable[[int], None]) -> dict[int, str]:
    """What is wrong with each photo that cannot be read, by its place in ``photo_N``; every photo is decoded.

    ``advance(n)`` is called after every n photos.
    """
    faults = {}
    read = bytes_of(root)
    for place, (_, fault) in enumerate(in_threads(lambda photo: look_into(read, photo), photo_N.tolist())):
        if fault is not None:
            faults[place] = fault
        advance(1)
    return faults
