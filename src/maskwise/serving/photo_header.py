"""How large a photo is and what decoding it costs, told from its first bytes in bounded time; nothing is decoded.

The decoders refuse what is damaged. This refuses first what would cost them much: many pixels, many passes over them,
and headers of so many small pieces that reading them alone takes seconds.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from maskwise.serving.refusals import RefusedError

TYPES = "image/jpeg, image/png or image/webp"
MOST_PIECES = 1000
"""Segments of a JPEG, or chunks of a PNG, before its pixels begin. Cameras and programs write some tens."""
MOST_HEADER_BYTES = 8 * 2**20
MOST_SCANNED_PIXELS = 400_000_000
"""Pixels × passes of a progressive JPEG. Programs write about ten passes; a megabyte can hold ten thousand."""

_SCAN = re.compile(rb"\xff\xda")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


def pixels_of(data: bytes, most_pixels: int) -> int:
    """The number of pixels of the photo in ``data``.

    ``RefusedError``: 415 for what is no JPEG, PNG or WEBP, 413 for more than ``most_pixels``, 422 for a header that
    cannot be read or is not worth it.
    """
    measure = _measure_of(data)
    try:
        width, height = measure(data)
    except (struct.error, IndexError):
        raise _unreadable("it ends within its header") from None
    if not (width and height):
        raise _unreadable("it has no pixels")
    if width * height > most_pixels:
        message = f"A photo must have at most {most_pixels:,} pixels, got {width} × {height}. Make it smaller."
        raise RefusedError(413, "too_many_pixels", message)
    if data[:2] == b"\xff\xd8":
        _refuse_many_passes(data, width * height)
    return width * height


def _measure_of(data: bytes) -> Callable[[bytes], tuple[int, int]]:
    if not data:
        raise _unreadable("it is empty")
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg_size
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png_size
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size
    raise RefusedError(415, "unsupported_type", f"A photo must be {TYPES}, got something else. Convert it.")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Of the largest frame that is declared before the first scan (ITU T.81, B.1.1 and B.2.2)."""
    at, largest = 2, (0, 0)
    for _ in range(MOST_PIECES):
        if data[at] != 0xFF or at > MOST_HEADER_BYTES:
            raise _unreadable("its header is damaged")
        marker = data[at + 1]
        if marker == 0xDA:
            return largest
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
        at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])
    raise _unreadable("its header has too many pieces")


def _png_size(data: bytes) -> tuple[int, int]:
    """Of IHDR, once the chunks up to the first IDAT are counted (PNG specification, 5.3)."""
    width, height = struct.unpack_from(">II", data, 16)
    at = 8
    for _ in range(MOST_PIECES):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return width, height
        at += 12 + length
        if at > MOST_HEADER_BYTES:
            raise _unreadable("its header is too long")
    raise _unreadable("its header has too many pieces")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Of the first chunk: the canvas, a lossless or a lossy frame (RFC 9649, 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8X":
        wide, tall = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return wide, tall
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    wide, tall = struct.unpack_from("<HH", data, 26)
    return wide & 0x3FFF, tall & 0x3FFF


def _refuse_many_passes(data: bytes, pixels: int) -> None:
    # Within coded data 0xFF is followed by 0x00 or a restart mark, so each match is a pass, or part of a thumbnail.
    allowed = max(4, MOST_SCANNED_PIXELS // pixels)
    for passes, _ in enumerate(_SCAN.finditer(data)):
        if passes >= allowed:
            raise _unreadable("it is coded in too many passes")


def _unreadable(reason: str) -> RefusedError:
    return RefusedError(422, "unreadable", f"A photo must be a whole, sound file, got one that is not: {reason}.")
