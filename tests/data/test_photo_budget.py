"""The size of photos by their first bytes; and small files that would cost much, refused before they are read."""

from __future__ import annotations

import resource
import struct
import time
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from maskwise.data.photo_budget import RefusedPhotoError, check_budget, photo_format
from maskwise.data.pixels import decode_photo
from maskwise.errors import DataError
from support.quirks import encode, huge_png, noise

PHOTO = noise(np.random.default_rng(3), 60, 44)
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")


def read_or_refused(data: bytes) -> bool:
    """Whether a file gives a photo, or an error that names it; any other error is the test's."""
    try:
        return decode_photo(data, "x").ndim == 3
    except DataError as error:
        return str(error).startswith("x must be")


@pytest.mark.parametrize("kind", FORMATS)
def test_format_and_size_are_those_that_were_written(kind: str) -> None:
    photo_HWC = noise(np.random.default_rng(3), 128, 64)
    assert check_budget(encode(photo_HWC, kind), "x") == (kind, 64, 128)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}])
def test_every_kind_of_webp(options: dict[str, object]) -> None:
    assert check_budget(encode(PHOTO, "WEBP", **options), "x") == ("WEBP", 44, 60)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_beginning_of_a_file_is_refused_or_read(kind: str) -> None:
    """No cut ends in another error, here or in the decoder."""
    data = encode(PHOTO, kind)
    for end in range(0, len(data), max(1, len(data) // 120)):
        assert read_or_refused(data[:end])


@pytest.mark.parametrize("kind", FORMATS)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_every_flipped_byte_is_refused_or_read(kind: str, place: int, value: int) -> None:
    data = bytearray(encode(PHOTO, kind))
    data[place % min(len(data), 700)] = value
    assert read_or_refused(bytes(data))


def test_too_many_pixels_are_refused_by_the_header() -> None:
    with pytest.raises(RefusedPhotoError, match="50 million pixels, got '10000 × 10000'") as caught:
        check_budget(huge_png(10_000, 10_000), "x")
    assert caught.value.reason == "too_many_pixels"
    with pytest.raises(RefusedPhotoError, match=r"0\.001 million"):
        check_budget(encode(PHOTO), "x", most_pixels=1000)


def test_a_canvas_larger_than_the_bound_is_refused() -> None:
    canvas = bytes(4) + (16_382).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"VP8 " + struct.pack("<I", 10) + bytes(10)
    with pytest.raises(RefusedPhotoError, match="16383 × 16383"):
        decode_photo(b"RIFF" + struct.pack("<I", len(body)) + body, "x")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def one_pixel_png(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def packed(zeros: int) -> bytes:
    return zlib.compress(bytes(zeros), 9)


ATTACKS = {
    "a chunk that says it is 4 GB long": one_pixel_png(b"\xff\xff\xff\xffIDAT" + zlib.compress(bytes(4)) + bytes(4)),
    "one pixel that unpacks to 200 MB": one_pixel_png(chunk(b"IDAT", packed(200 * 2**20))),
    "texts that unpack to 80 MB": one_pixel_png(
        *[chunk(b"zTXt", b"a\0\0" + packed(2**23))] * 10, chunk(b"IDAT", packed(4))
    ),
    "a color profile of 80 MB": one_pixel_png(chunk(b"iCCP", b"a\0\0" + packed(80 * 2**20)), chunk(b"IDAT", packed(4))),
    "ten thousand texts": one_pixel_png(*[chunk(b"tEXt", b"a\0b")] * 10_000, chunk(b"IDAT", packed(4))),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_small_files_that_cost_much(attack: str) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin_s = time.process_time()
    assert read_or_refused(ATTACKS[attack])
    assert time.process_time() - begin_s < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 200_000


def test_thousands_of_passes_are_refused() -> None:
    buffer = BytesIO()
    PillowImage.new("RGB", (4900, 5000), (9, 9, 9)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rfind(b"\xff\xda")
    with pytest.raises(RefusedPhotoError, match="more than 12 passes"):
        check_budget(data[:-2] + data[last:-2] * 200 + data[-2:], "x")
    assert check_budget(data, "x").width_px == 4900


def test_large_sound_pngs_are_read() -> None:
    """Of more coded data than are trusted unseen, with and without interlacing's shorter rows."""
    photo_HWC = np.random.default_rng(1).integers(0, 256, (300, 301, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode_photo(encode(photo_HWC, "PNG"), "x"), photo_HWC)


def test_a_tiff_whose_values_overlap() -> None:
    """Each of its 500 entries claims all of the file."""
    entries = b"".join(struct.pack("<HHII", 40_000 + k, 1, 60_000, 8) for k in range(500))
    data = b"II*\0" + struct.pack("<IH", 8, 500) + entries + bytes(60_000)
    with pytest.raises(RefusedPhotoError, match="a header larger than the file"):
        check_budget(data, "x")


def rationals(count: int) -> bytes:
    """A TIFF's header with a resolution of ``count`` fractions: one pixel, or the EXIF of another photo."""
    at = 8 + 2 + 10 * 12 + 4
    numbers = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 1}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in numbers.items()]
    entries.append(struct.pack("<HHII", 282, 5, count, at))
    return b"II*\0" + struct.pack("<IH", 8, 10) + b"".join(entries) + bytes(4) + struct.pack("<II", 1, 1) * count


def jpeg_with_exif(exif: bytes) -> bytes:
    """In as many segments as it needs."""
    photo, step = encode(PHOTO), 65_500
    pieces = [b"Exif\0\0" + exif[at : at + step] for at in range(0, len(exif), step)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", 2 + len(piece)) + piece for piece in pieces)
    return photo[:2] + segments + photo[2:]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_header_of_a_million_fractions(kind: str) -> None:
    many, few = rationals(1_000_000), rationals(10)
    with pytest.raises(RefusedPhotoError, match=f"a sound {kind} file, got 'a header of too many fractions'"):
        check_budget(jpeg_with_exif(many) if kind == "JPEG" else many, "x")
    assert check_budget(jpeg_with_exif(few) if kind == "JPEG" else few, "x").format == kind


def gif(screen: tuple[int, int], frame: tuple[int, int], comment: bytes = b"") -> bytes:
    buffer = BytesIO()
    PillowImage.new("P", frame).save(buffer, "GIF")
    data = buffer.getvalue()
    begin = data.index(b"\x2c" + struct.pack("<HHHH", 0, 0, *frame))
    return data[:6] + struct.pack("<HH", *screen) + data[10:begin] + comment + data[begin:]


def test_a_gif_whose_picture_is_larger_than_its_screen() -> None:
    assert check_budget(gif((1, 1), (3000, 2000)), "x").width_px == 3000
    with pytest.raises(RefusedPhotoError, match="5 million pixels, got '3000 × 2000'"):
        check_budget(gif((1, 1), (3000, 2000)), "x", most_pixels=5_000_000)


def test_a_gif_with_a_comment_of_a_million_pieces() -> None:
    assert decode_photo(gif((4, 4), (4, 4), b"\x21\xfe\x03abc\x00"), "x").shape == (4, 4, 3)
    with pytest.raises(RefusedPhotoError, match="GIF file, got 'a header of too many pieces'"):
        check_budget(gif((4, 4), (4, 4), b"\x21\xfe" + b"\x01a" * 1_000_000 + b"\x00"), "x")


def test_a_tiff_whose_tile_is_larger_than_the_picture() -> None:
    """The reader reserves a whole tile: one pixel of 388 kB took 390 MB."""
    one_pixel = rationals(1).replace(struct.pack("<HHII", 278, 4, 1, 1), struct.pack("<HHII", 322, 4, 1, 20_000))
    tiled = one_pixel.replace(struct.pack("<HHII", 279, 4, 1, 1), struct.pack("<HHII", 323, 4, 1, 20_000))
    with pytest.raises(RefusedPhotoError, match="20000 × 20000"):
        check_budget(tiled, "x")


def test_a_bmp_of_millions_of_runs() -> None:
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024)
    head += struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 0, 0, 0, 256, 0) + bytes(1024)
    assert check_budget(head + b"\1\1" * 1000, "x").width_px == 4000
    with pytest.raises(RefusedPhotoError, match="one of too many runs"):
        check_budget(head + b"\1\1" * 4_000_000, "x")


def test_what_is_no_photo() -> None:
    for data in (b"", b"hello", b"\0\0\0\x18ftypisom" + bytes(20), b"%PDF-1.7"):
        assert photo_format(data) is None
        with pytest.raises(RefusedPhotoError) as caught:
            check_budget(data, "x")
        assert caught.value.reason == "unsupported"
