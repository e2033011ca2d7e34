"""The segments of a JPEG file (ITU T.81, annex B): the one place that walks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

APP1, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xDA, 0xD9
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of frame headers, which hold the photo's size."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length. Fill bytes (0xFF) may stand before any marker."""
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Within coded data 0xFF is always followed by 0x00, a restart mark or a fill byte (F.1.2.3)."""


class Segment(NamedTuple):
    """One segment: its marker, and where in the file it begins."""

    marker: int
    begin: int


def header_segments(data: bytes) -> Iterator[Segment]:
    """The segments from the file's begin to the first scan's header, or to where the file ends or makes no sense."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        yield Segment(marker, at)
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            return
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))


def first_scan(data: bytes) -> int | None:
    """Where the first scan begins; None where there is none."""
    return next((begin for marker, begin in header_segments(data) if marker == START_OF_SCAN), None)


def count_scans(data: bytes, scan: int, most: int) -> int:
    """How many scans begin at ``scan`` or later in the same photo; stops counting beyond ``most``."""
    if data.count(b"\xff\xda", scan) <= most:
        return data.count(b"\xff\xda", scan)
    scans, at = 0, scan
    while scans <= most and at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != END_OF_IMAGE:
        scans += data[at + 1] == START_OF_SCAN
        after = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        found = _NEXT_MARKER.search(data, after)
        if found is None:
            break
        at = found.start()
    return scans


def has_end(data: bytes, scan: int) -> bool:
    """Whether an end mark follows the scan: one of a thumbnail would stand before it."""
    return data.rfind(b"\xff\xd9", scan) >= 0


def without_padding(data: bytes) -> bytes:
    """The file without the zeros that some cameras put between the coded data and the end mark."""
    end = data.rfind(b"\xff\xd9")
    body = data[:end].rstrip(b"\0")
    return data if end < 0 or len(body) == end else body + data[end:]
