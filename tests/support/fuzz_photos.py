"""Mutants of sound photos through every way in which maskwise opens one.

Run as a program, as a decoder that crashes takes its process along: ``python fuzz_photos.py FORMAT COUNT SEED`` prints
a line of JSON for each mutant, and a last one with the memory that was used.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import time
import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image as PillowImage

from maskwise.data.pixels import decode_photo, prepare
from maskwise.data.readable import look_into
from maskwise.errors import DataError
from maskwise.faces.detection import find_faces
from maskwise.serving.photo_header import pixels_of
from maskwise.serving.refusals import RefusedError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_SAVED_AS: dict[str, tuple[dict[str, object], ...]] = {
    "JPEG": ({"quality": 85}, {"progressive": True}, {"subsampling": 0, "exif": PillowImage.Exif()}),
    "PNG": ({}, {"compress_level": 1}, {"bits": 8}),
    "WEBP": ({"quality": 80}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\10\0\0\0\0\0"}),
    "BMP": ({}, {}, {}),
    "GIF": ({}, {"interlace": 0}, {}),
    "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}),
}
_MODES = ("RGB", "RGB", "L")
_ODD_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\1\0", b"\0\1\0\0")
_SIDE_PX = 48


def sound_photos(kind: str) -> list[bytes]:
    """Some photos of a format, saved in several ways."""
    rows, columns = np.mgrid[0:120, 0:96]
    waves = [128 + 100 * np.sin(rows / (5 + channel) + columns / 7) for channel in range(3)]
    photo = PillowImage.fromarray(np.stack(waves, axis=-1).astype(np.uint8))
    saved = []
    for mode, options in zip(_MODES, _SAVED_AS[kind], strict=True):
        buffer = io.BytesIO()
        photo.convert(mode).save(buffer, kind, **options)
        saved.append(buffer.getvalue())
    return saved


def mutant(photos: Sequence[bytes], kind: str, rng: np.random.Generator) -> bytes:
    """A photo with one to three changes; of a PNG, half have checksums that fit again."""
    data = bytearray(photos[int(rng.integers(len(photos)))])
    for _ in range(int(rng.integers(1, 4))):
        change = _CHANGES[int(rng.integers(len(_CHANGES)))]
        data = change(data, photos, rng) if len(data) > 16 else data
    return _with_checksums(bytes(data)) if kind == "PNG" and rng.random() < 0.5 else bytes(data)


def _flip_bits(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    for place in rng.integers(len(data), size=int(rng.integers(1, 17))):
        data[place] ^= 1 << int(rng.integers(8))
    return data


def _overwrite(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    begin, size = int(rng.integers(len(data))), int(rng.integers(1, 64))
    data[begin : begin + size] = rng.bytes(size)
    return data


def _cut(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(len(data)))]


def _leave_out(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    begin = int(rng.integers(len(data)))
    return data[:begin] + data[begin + int(rng.integers(1, 256)) :]


def _repeat(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    begin = int(rng.integers(len(data)))
    end = begin + int(rng.integers(1, 256))
    return data[:end] + data[begin:end] * int(rng.integers(1, 20)) + data[end:]


def _splice(data: bytearray, photos: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    other = photos[int(rng.integers(len(photos)))]
    return data[: int(rng.integers(len(data)))] + other[int(rng.integers(len(other))) :]


def _odd_number(data: bytearray, _: Sequence[bytes], rng: np.random.Generator) -> bytearray:
    """Where sizes and lengths stand: mostly in the header."""
    begin = int(rng.integers(min(len(data), 256 if rng.random() < 0.8 else len(data))))
    number = _ODD_NUMBERS[int(rng.integers(len(_ODD_NUMBERS)))][: int(rng.choice([1, 2, 4]))]
    data[begin : begin + len(number)] = number
    return data


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], np.random.Generator], bytearray], ...] = (
    _flip_bits,
    _overwrite,
    _cut,
    _leave_out,
    _repeat,
    _splice,
    _odd_number,
)


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the CRC-32 of what they hold, as far as their lengths make sense."""
    whole, at = bytearray(data), 8
    while at + 12 <= len(whole):
        end = at + 8 + int(struct.unpack_from(">I", whole, at)[0])
        if end + 4 > len(whole):
            break
        struct.pack_into(">I", whole, end, zlib.crc32(whole[at + 4 : end]))
        at = end + 4
    return bytes(whole)


def open_everywhere(data: bytes) -> dict[str, str]:
    """What each way of opening a photo says: "" where it is opened, else its one line."""

    def said(work: Callable[[], object]) -> str:
        try:
            work()
        except (DataError, RefusedError) as error:
            return str(error)
        return ""

    def serve() -> None:
        pixels_of(data, 25_000_000, "photo 1")
        find_faces(decode_photo(data, "photo 1"))

    return {
        "check": look_into(lambda _: data, "photo 1")[1] or "",
        "cache": said(lambda: prepare(data, "photo 1", lambda photo: photo, _SIDE_PX, _SIDE_PX, (_SIDE_PX, _SIDE_PX))),
        "predict": said(lambda: decode_photo(data, "photo 1")),
        "serve": said(serve),
    }


def main(kind: str, count: int, seed: int) -> None:
    """Open ``count`` mutants; a line each."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    photos = sound_photos(kind)
    for photo in photos:
        open_everywhere(photo)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        data = mutant(photos, kind, rng)
        began_s = time.process_time()
        said = open_everywhere(data)
        seconds = (time.process_time() - began_s) / len(said)
        print(json.dumps({"number": number, "bytes": len(data), "seconds": seconds, "said": said}), flush=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"sound": [open_everywhere(photo) for photo in photos], "grown_bytes": grown * 1024}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
