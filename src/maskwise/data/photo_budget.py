"""What a photo is and what decoding it would cost, from its first bytes; whatever costs too much is refused.

Every place that opens a photo comes through here first: nothing is decoded and no memory is reserved before the
pixels, the passes over them and the pieces of the header are known to be within bounds.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

from maskwise.data.jpeg_segments import APP1, FRAMES, START_OF_SCAN, count_scans, first_scan, has_end, header_segments
from maskwise.errors import DataError, must

PhotoFormat = Literal["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF"]
READ = "JPEG, PNG, WEBP, AVIF, HEIC, GIF, TIFF and BMP"
"""What is read, for messages."""
MOST_PIXELS = 50_000_000
MOST_PIECES = 1000
"""Segments of a JPEG, or chunks of a PNG, before its pixels begin. Cameras and programs write some tens."""
MOST_CODED_PIECES = 20_000
"""Chunks of a PNG's pixels; the smallest that programs write are of 8 KiB."""
MOST_HEADER_BYTES = 16 * 2**20
MOST_SCANNED_PIXELS = 200_000_000
"""Pixels × passes of a progressive JPEG, at some 9 ns each. A megabyte can hold ten thousand passes."""
MOST_RATIONALS = 10_000
"""Fractions in the header of a TIFF or in the EXIF of a JPEG, at 4 µs each. Cameras write some ten."""
MOST_RUN_BYTES = 4 * 2**20
"""Coded data of a BMP of runs, whose reader takes a microsecond for two bytes of them."""
ALWAYS_PASSES = 12
"""So many passes are legal for any photo: programs write about ten."""
UNPACKED_UNCHECKED_BYTES = 64 * 2**10
"""Coded data of a PNG up to this size unpack to 66 MB at most; of more it is looked at first what they unpack to."""

Reason = Literal["unsupported", "too_many_pixels", "unreadable"]


class RefusedPhotoError(DataError):
    """A photo that is not decoded, with the kind of reason for those who decide by it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PhotoHeader(NamedTuple):
    """What a photo's first bytes say; of AVIF and HEIF the coded size, of which a few pixels may be cut off."""

    format: PhotoFormat
    width_px: int
    height_px: int


def check_budget(data: bytes, name: str, most_pixels: int = MOST_PIXELS) -> PhotoHeader:
    """The header of the photo in ``data``. ``RefusedPhotoError`` where decoding it is impossible or not worth it."""
    kind = photo_format(data)
    if kind is None:
        got = "an empty file" if not data else "something else"
        rule = f"a photo ({READ})"
        raise RefusedPhotoError("unsupported", must(name, rule, got, "Replace or delete the file."))
    try:
        width_px, height_px = _SIZES[kind](data, name)
    except (struct.error, IndexError):
        raise truncated(data, name, kind) from None
    refuse_size(width_px, height_px, name, kind, most_pixels)
    if kind == "JPEG":
        _refuse_many_passes(data, name, width_px * height_px)
    if kind == "PNG":
        _refuse_unpacking(data, name, width_px, height_px)
    return PhotoHeader(kind, width_px, height_px)


def refuse_size(width_px: int, height_px: int, name: str, kind: str, most_pixels: int = MOST_PIXELS) -> None:
    """Refuse a photo without pixels, or of too many."""
    if not (width_px > 0 and height_px > 0):
        raise damaged(name, kind)
    if width_px * height_px > most_pixels:
        rule = f"of at most {most_pixels / 1e6:g} million pixels"
        message = must(name, rule, f"{width_px} × {height_px}", "Make the photo smaller.")
        raise RefusedPhotoError("too_many_pixels", message)


def photo_format(data: bytes) -> PhotoFormat | None:
    """The format by the file's first bytes, whatever its name; None for what is no photo."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = {data[at : at + 4] for at in (8, *range(16, min(int.from_bytes(data[:4], "big"), 128), 4))}
        return "AVIF" if brands & {b"avif", b"avis"} else "HEIF" if brands & _HEIF_BRANDS else None
    return None


def truncated(data: bytes, name: str, kind: str) -> RefusedPhotoError:
    """The error for a file that ends too early."""
    got = f"the first {len(data):,} bytes of one"
    return RefusedPhotoError("unreadable", must(name, f"a whole {kind} file", got, "Copy it again."))


def damaged(name: str, kind: str, got: str = "damaged data") -> RefusedPhotoError:
    """The error for a file that makes no sense."""
    remedy = "Copy it again, or delete the file."
    return RefusedPhotoError("unreadable", must(name, f"a sound {kind} file", got, remedy))


_SIGNATURES: tuple[tuple[bytes, PhotoFormat], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_SPATIAL_EXTENTS = re.compile(rb"\0\0\0\x14ispe\0\0\0\0", re.DOTALL)
_EXIF = b"Exif\0\0"
_GIF_FRAME, _GIF_EXTENSION = 0x2C, 0x21
_BMP_RUNS = (1, 2)
_TIFF_RATIONALS = (5, 10)
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I"}
_TIFF_BYTES = {2: 1, 3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""The size of a value of each type; of those not named, 1."""


def _jpeg_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the largest frame before the first scan (ITU T.81, B.2.2)."""
    size, marker, exif = (0, 0), 0, b""
    for count, (marker, begin) in enumerate(header_segments(data)):
        if count >= MOST_PIECES or begin > MOST_HEADER_BYTES:
            raise damaged(name, "JPEG", "a header of too many pieces")
        if marker == APP1 and data.startswith(_EXIF, begin + 4):
            exif += data[begin + 10 : begin + 2 + int.from_bytes(data[begin + 2 : begin + 4], "big")]
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", data, begin + 5)
            size = max(size, (width, height), key=lambda each: each[0] * each[1])
        if marker == START_OF_SCAN and has_end(data, begin):
            _refuse_many_rationals(exif, name, "JPEG")
            return size
    raise truncated(data, name, "JPEG")


def _refuse_many_passes(data: bytes, name: str, pixels: int) -> None:
    allowed = max(ALWAYS_PASSES, MOST_SCANNED_PIXELS // pixels)
    scan = first_scan(data)
    if scan is not None and count_scans(data, scan, allowed) > allowed:
        raise damaged(name, "JPEG", f"one coded in more than {allowed} passes")


def _png_size(data: bytes, name: str) -> tuple[int, int]:
    """Of IHDR; every chunk has to lie within the file, and those of the picture have to have their checksum."""
    width, height = struct.unpack_from(">II", data, 16)
    pieces = {True: 0, False: 0}
    for kind, begin, end in png_chunks(data, name):
        coded = kind == b"IDAT"
        pieces[coded] += 1
        late = coded and pieces[coded] == 1 and begin > MOST_HEADER_BYTES
        if late or pieces[False] > MOST_PIECES or pieces[True] > MOST_CODED_PIECES:
            raise damaged(name, "PNG", "a header of too many pieces")
        if kind[:1].isupper() and zlib.crc32(memoryview(data)[begin - 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise damaged(name, "PNG")
        if kind == b"IEND":
            return width, height
    raise truncated(data, name, "PNG")


def png_chunks(data: bytes, name: str) -> Iterator[tuple[bytes, int, int]]:
    """(kind, begin and end of its data) of each chunk (PNG specification, 5.3), to the end mark or the file's end."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise truncated(data, name, "PNG")
        yield kind, at + 8, at + 8 + length
        if kind == b"IEND":
            return
        at += 12 + length


def _refuse_unpacking(data: bytes, name: str, width_px: int, height_px: int) -> None:
    """Refuse coded data that unpack to more than the picture has: a decoder would unpack all of it."""
    coded = [(begin, end) for kind, begin, end in png_chunks(data, name) if kind == b"IDAT"]
    if sum(end - begin for begin, end in coded) <= UNPACKED_UNCHECKED_BYTES:
        return
    depth, color, _, _, interlaced = data[24:29]
    bits_px = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color, 4)
    # A filter byte begins each row; interlaced, each row of the seven passes (8.1), which are at most twice as many.
    rows = height_px * (1 + bool(interlaced))
    left = height_px * (width_px * bits_px // 8 + 1) + rows * 2 + 8 * 7
    unpacker = zlib.decompressobj()
    try:
        for begin, end in coded:
            piece = memoryview(data)[begin:end]
            left -= len(unpacker.decompress(piece, left + 1))
            if left < 0 or unpacker.unconsumed_tail:
                raise damaged(name, "PNG", "one that unpacks to more than its pixels")
    except zlib.error:
        raise damaged(name, "PNG") from None


def _webp_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the first chunk: the canvas, a lossless or a lossy frame (RFC 9649, 2.5 to 2.7)."""
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise truncated(data, name, "WEBP")
    kind = data[12:16]
    if kind == b"VP8X":
        wide, tall = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return wide, tall
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    wide, tall = struct.unpack_from("<HH", data, 26)
    return wide & 0x3FFF, tall & 0x3FFF


def _bmp_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the info header, or of the old one of 12 bytes."""
    if struct.unpack_from("<I", data, 14)[0] == 12:
        wide, tall = struct.unpack_from("<HH", data, 18)
        return wide, tall
    wide, tall = struct.unpack_from("<ii", data, 18)
    if struct.unpack_from("<I", data, 30)[0] in _BMP_RUNS and len(data) > MOST_RUN_BYTES:
        raise damaged(name, "BMP", "one of too many runs")
    return abs(wide), abs(tall)


def _gif_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the screen, or of the first picture where that is larger (GIF89a, 18 to 24)."""
    wide, tall, flags = struct.unpack_from("<HHB", data, 6)
    at, pieces = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0), 0
    while data[at] == _GIF_EXTENSION:
        at += 2
        while data[at]:
            at, pieces = at + 1 + data[at], pieces + 1
        at, pieces = at + 1, pieces + 1
        if pieces > MOST_CODED_PIECES:
            raise damaged(name, "GIF", "a header of too many pieces")
    if data[at] != _GIF_FRAME:
        raise damaged(name, "GIF")
    left, top, wide_of_it, tall_of_it = struct.unpack_from("<HHHH", data, at + 1)
    return max(wide, left + wide_of_it), max(tall, top + tall_of_it)


def _tiff_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the first directory (TIFF 6.0, section 2: tags 256 and 257)."""
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    size, total_bytes = {}, 0
    entries = struct.unpack_from(f"{order}H", data, at)[0]
    if entries > MOST_PIECES:
        raise damaged(name, "TIFF", "a header of too many pieces")
    for place in range(at + 2, at + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, place)
        # Values may share bytes of the file, but a reader keeps each by itself.
        total_bytes += count * _TIFF_BYTES.get(kind, 1)
        if tag in (256, 257, 322, 323) and kind in _TIFF_NUMBERS:
            size[tag] = struct.unpack_from(order + _TIFF_NUMBERS[kind], data, place + 8)[0]
    if total_bytes > 2 * len(data):
        raise damaged(name, "TIFF", "a header larger than the file")
    _refuse_many_rationals(data, name, "TIFF")
    refuse_size(size.get(322, 1), size.get(323, 1), name, "TIFF")  # of a tile, which may be larger than the picture
    return size.get(256, 0), size.get(257, 0)


def _refuse_many_rationals(data: bytes, name: str, kind: str) -> None:
    """Refuse the first directory of a TIFF, or of EXIF, where it has far more fractions than anybody needs."""
    order, rationals = "<" if data[:2] == b"II" else ">", 0
    if len(data) < 8:
        return
    at = struct.unpack_from(f"{order}I", data, 4)[0] + 2
    entries = int.from_bytes(data[at - 2 : at], "little" if order == "<" else "big")
    for place in range(at, min(at + 12 * entries, len(data) - 11), 12):
        _, value_kind, count = struct.unpack_from(f"{order}HHI", data, place)
        rationals += count if value_kind in _TIFF_RATIONALS and 8 * count <= len(data) else 0
    if rationals > MOST_RATIONALS:
        raise damaged(name, kind, "a header of too many fractions")


def _heif_size(data: bytes, name: str) -> tuple[int, int]:
    """Of the largest picture or grid that is declared (ISO 23008-12, 6.5.3: ispe)."""
    sizes = [struct.unpack_from(">II", data, found.end()) for found in _SPATIAL_EXTENTS.finditer(data)]
    if not sizes or len(sizes) > MOST_PIECES:
        raise damaged(name, photo_format(data) or "HEIF", "one without a size" if not sizes else "one of too many")
    wide, tall = max(sizes, key=lambda size: size[0] * size[1])
    return wide, tall


_SIZES = {
    "JPEG": _jpeg_size,
    "PNG": _png_size,
    "WEBP": _webp_size,
    "BMP": _bmp_size,
    "GIF": _gif_size,
    "TIFF": _tiff_size,
    "AVIF": _heif_size,
    "HEIF": _heif_size,
}
