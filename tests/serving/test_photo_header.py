from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from maskwise.serving.photo_header import MOST_PIECES, pixels_of
from maskwise.serving.refusals import RefusedError

PLENTY = 10**9


def photo(suffix: str, height: int = 37, width: int = 53) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, pixels)[1])


def refused(data: bytes, most: int = PLENTY) -> tuple[int, str]:
    with pytest.raises(RefusedError) as error:
        pixels_of(data, most)
    return error.value.status, error.value.code


def segment(marker: int, content: bytes = b"") -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_sizes_of_files_that_opencv_wrote(suffix: str) -> None:
    data = photo(suffix)
    assert pixels_of(data, 37 * 53) == 37 * 53
    assert refused(data, 37 * 53 - 1) == (413, "too_many_pixels")


def test_lossless_webp_and_progressive_jpeg() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    lossless = bytes(cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 101])[1])
    progressive = bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    assert lossless[12:16] == b"VP8L"
    assert progressive.count(b"\xff\xda") > 5
    assert pixels_of(lossless, PLENTY) == pixels_of(progressive, PLENTY) == 600


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_header_that_ends_early_is_unreadable(suffix: str) -> None:
    assert refused(photo(suffix)[:24]) == (422, "unreadable")


@pytest.mark.parametrize("data", [b"GIF89a" + b"\0" * 50, b"BM" + b"\0" * 60, b"%PDF-1.7", b"\xff\xd8", b"x"])
def test_other_types_are_refused(data: bytes) -> None:
    assert refused(data) == (415, "unsupported_type")


def test_headers_of_very_many_pieces_are_not_walked() -> None:
    """Sixteen million bytes of them would take a second in Python and as long again in every decoder."""
    jpeg, png = photo(".jpg"), photo(".png")
    assert refused(jpeg[:2] + segment(0xFE) * MOST_PIECES + jpeg[2:]) == (422, "unreadable")
    assert refused(jpeg[:2] + b"\xff" * 5000 + jpeg[2:]) == (422, "unreadable")
    empty = struct.pack(">I", 0) + b"teXt" + struct.pack(">I", zlib.crc32(b"teXt"))
    assert refused(png[:33] + empty * MOST_PIECES + png[33:]) == (422, "unreadable")
    assert pixels_of(jpeg[:2] + segment(0xFE) * 50 + jpeg[2:], PLENTY) == 37 * 53


def test_a_small_photo_may_have_more_passes_than_a_large_one() -> None:
    def passes(side_px: int, count: int) -> bytes:
        frame = segment(0xC2, struct.pack(">BHHB", 8, side_px, side_px, 1) + b"\1\x11\0")
        return b"\xff\xd8" + frame + segment(0xDA, b"\1\1\0\0\x3f\0") * count + b"\xff\xd9"

    assert pixels_of(passes(5000, 16), PLENTY) == 25_000_000
    assert refused(passes(5000, 17)) == (422, "unreadable")
    assert pixels_of(passes(1000, 400), PLENTY) == 1_000_000


def test_the_largest_frame_counts() -> None:
    """A small frame before a huge one does not hide it."""
    frames = [segment(0xC0, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0") for side in (8, 60_000, 9)]
    data = b"\xff\xd8" + b"".join(frames) + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\xff\xd9"
    assert refused(data, 50_000_000) == (413, "too_many_pixels")


def test_a_photo_without_pixels() -> None:
    png = bytearray(photo(".png"))
    png[16:20] = bytes(4)
    assert refused(bytes(png)) == (422, "unreadable")
