"""A JPEG's segments: what is found in files of Pillow, and in files made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.data.jpeg_segments import (
    FRAMES,
    START_OF_SCAN,
    count_scans,
    first_scan,
    has_end,
    header_segments,
    without_padding,
)
from support.quirks import encode, noise

PHOTO = noise(np.random.default_rng(3), 60, 44)


def test_a_file_by_hand() -> None:
    # A comment, a fill byte, a frame, a scan; the thumbnail's end mark in the comment is not the photo's.
    data = b"\xff\xd8\xff\xfe\x00\x04\xff\xd9\xff\xff\xc0\x00\x03x\xff\xda\x00\x02ab"
    assert [(segment.marker, segment.begin) for segment in header_segments(data)] == [(0xFE, 2), (0xC0, 9), (0xDA, 14)]
    assert first_scan(data) == 14
    assert not has_end(data, 14)
    assert has_end(data + b"\xff\xd9", 14)


@pytest.mark.parametrize("progressive", [False, True])
def test_scans_of_pillows_files(progressive: bool) -> None:
    data = encode(PHOTO, progressive=progressive)
    scan = first_scan(data)
    assert scan is not None
    assert sum(marker in FRAMES for marker, _ in header_segments(data)) == 1
    # Pillow's progressive files of three colors have ten scans (libjpeg's default script).
    assert count_scans(data, scan, 100) == count_scans(data, scan, 1000) == (10 if progressive else 1)
    assert count_scans(data, scan, 4) == (5 if progressive else 1)


def test_scans_of_a_second_photo_in_the_file_do_not_count() -> None:
    data = encode(PHOTO, progressive=True) + encode(PHOTO, progressive=True)
    scan = first_scan(data)
    assert scan is not None
    assert count_scans(data, scan, 12) == 10


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xc0\x00", b"\xff\xd8hello"])
def test_torn_files_have_no_scan(data: bytes) -> None:
    assert first_scan(data) is None
    assert all(marker != START_OF_SCAN for marker, _ in header_segments(data))


def test_padding_goes_and_nothing_else() -> None:
    data = encode(PHOTO)
    padded = data[:-2] + bytes(40) + data[-2:]
    assert without_padding(padded) == data
    assert without_padding(data) == data
    assert without_padding(b"none") == b"none"
