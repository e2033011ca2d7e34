from __future__ import annotations

import struct
from functools import partial
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from maskwise.data.pixels import decode_photo, decode_picture, prepare, resize
from maskwise.errors import DataError
from maskwise.records import Image
from support.quirks import encode, huge_png, noise

FORMATS: dict[str, tuple[str, dict[str, object]]] = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "tiff": ("TIFF", {}),
    "packed tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "avif": ("AVIF", {"quality": 90}),
    "heic": ("HEIF", {"quality": 90}),
}


@pytest.fixture
def photo() -> Image:
    return noise(np.random.default_rng(3), 60, 44)


def _file(picture: PillowImage.Image, format_name: str, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_decodes_as_pillow_does(photo: Image, kind: str) -> None:
    format_name, options = FORMATS[kind]
    data = encode(photo, format_name, **options)
    decoded = decode_photo(data, "x")
    reference = np.asarray(PillowImage.open(BytesIO(data)).convert("RGB")).astype(int)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    # Two libraries may round color differently, by a step or two.
    assert np.abs(decoded.astype(int) - reference).max() <= 3
    if kind in ("png", "lossless webp", "bmp", "tiff", "packed tiff"):
        np.testing.assert_array_equal(decoded, photo)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("percent", [1, 10, 50, 90, 99])
def test_a_truncated_file_is_refused_by_name(photo: Image, kind: str, percent: int) -> None:
    format_name, options = FORMATS[kind]
    data = encode(photo, format_name, **options)
    with pytest.raises(DataError, match=r"^faces/one\.jpg must be"):
        decode_photo(data[: len(data) * percent // 100], "faces/one.jpg")


def test_a_truncated_jpeg_with_a_thumbnail_is_refused(photo: Image) -> None:
    """The thumbnail's own end mark must not pass for the photo's."""
    plain = encode(photo)
    thumbnail = b"Exif\x00\x00" + encode(photo[:8, :8])
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = plain[:2] + segment + plain[2:]
    np.testing.assert_array_equal(decode_photo(data, "x"), decode_photo(plain, "x"))
    for percent in (60, 90, 99):
        with pytest.raises(DataError, match="must be a whole JPEG"):
            decode_photo(data[: len(data) * percent // 100], "x")


def test_bytes_after_the_end_do_not_matter(photo: Image) -> None:
    for format_name in ("JPEG", "PNG", "WEBP"):
        data = encode(photo, format_name)
        np.testing.assert_array_equal(decode_photo(data + b"trailer", "x"), decode_photo(data, "x"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a....",
        b"II*\0....",
        b"MM\0*....",
        b"\0\0\0\x18ftypheic",
        b"hello",
        b"\xff\xd8\xff",
        b"BM",
        b"RIFF\0\0\0\0WEBP",
    ],
)
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^x must be"):
        decode_photo(data, "x")


def test_damaged_png_data_are_refused(photo: Image) -> None:
    data = bytearray(encode(photo, "PNG"))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    with pytest.raises(DataError, match="must be a sound PNG"):
        decode_photo(bytes(data), "x")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_exif_orientations_agree_with_pillow(photo: Image, orientation: int, format_name: str) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = encode(photo, format_name, exif=exif.tobytes(), **options)
    reference = np.asarray(ImageOps.exif_transpose(PillowImage.open(BytesIO(data))).convert("RGB")).astype(int)
    decoded = decode_photo(data, "x").astype(int)
    assert decoded.shape == reference.shape
    assert np.abs(decoded - reference).max() <= 3


@pytest.mark.parametrize("format_name", ["TIFF", "HEIF", "AVIF"])
def test_other_formats_are_turned_as_pillow_turns_them(photo: Image, format_name: str) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    data = encode(photo, format_name, exif=exif)
    reference = np.asarray(ImageOps.exif_transpose(PillowImage.open(BytesIO(data))).convert("RGB"))
    # In HEIF the orientation of EXIF is for information alone (ISO 23008-12, A.2.1).
    assert reference.shape == ((60, 44, 3) if format_name == "HEIF" else (44, 60, 3))
    np.testing.assert_array_equal(decode_photo(data, "x"), reference)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP"])
def test_an_orientation_in_xmp_alone_is_applied(photo: Image, format_name: str) -> None:
    assert decode_photo(encode(photo, format_name, xmp=XMP), "x").shape == (44, 60, 3)


def test_orientations_that_imagemagick_writes_into_png(photo: Image) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 8
    text = exif.tobytes().hex()
    for keyword, value in (
        ("Raw profile type exif", f"\nexif\n{len(text) // 2:8}\n{text}\n"),
        ("XML:com.adobe.xmp", XMP),
    ):
        info = PngInfo()
        info.add_itxt(keyword, value) if keyword.startswith("XML") else info.add_text(keyword, value, zip=True)
        assert decode_photo(encode(photo, "PNG", pnginfo=info), "x").shape == (44, 60, 3)


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_damaged_in_its_middle_is_refused(
    part: int, progressive: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encode(noise(np.random.default_rng(5), 200, 160), quality=90, progressive=progressive)
    third = len(data) // 3
    damaged = {
        "zeros": data[:third] + bytes(third) + data[2 * third :],
        "a missing piece": data[:third] + data[2 * third :],
        "foreign bytes": data[:third] + b"\r\n--boundary\r\nContent-Type: text/plain\r\n\r\n" + data[third:],
        "an early end mark": data[: 2 * third] + b"\xff\xd9",
    }
    for what, bad in damaged.items():
        with pytest.raises(DataError, match=r"^here\.jpg must be a sound JPEG file"):
            print(what, decode_photo(bad, "here.jpg", None if part == 1 else (100, 80)).shape)
    assert "Corrupt JPEG" not in capfd.readouterr().err


def test_zeros_before_a_jpegs_end_mark_are_no_damage(photo: Image) -> None:
    data = encode(photo)
    np.testing.assert_array_equal(decode_photo(data[:-2] + bytes(500) + data[-2:], "x"), decode_photo(data, "x"))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_nonsense_in_exif_is_taken_as_upright(photo: Image) -> None:
    data = encode(photo, "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert decode_photo(data, "x").shape == photo.shape


def _png16(photo: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> bytes:
    done, data = cv2.imencode(".png", photo)
    assert done
    return bytes(data)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    gray = np.array([[0, 128, 256, 257 * 100, 257 * 100 + 129, 65535]], dtype=np.uint16)
    expected = [0, 0, 1, 100, 101, 255]
    assert decode_photo(_png16(gray), "x")[0, :, 0].tolist() == expected
    color = np.dstack([gray, gray * 0, 65535 - gray])
    decoded = decode_photo(_png16(color), "x")
    # OpenCV writes BGR.
    assert decoded[0, :, 2].tolist() == expected
    assert decoded[0, :, 1].tolist() == [0] * 6


def test_palette_gray_and_bilevel_become_rgb(photo: Image) -> None:
    for mode in ("P", "L", "1"):
        picture = PillowImage.fromarray(photo).convert(mode)
        decoded = decode_photo(_file(picture, "PNG"), "x")
        np.testing.assert_array_equal(decoded, np.asarray(picture.convert("RGB")))


def test_transparency_shows_white_behind(photo: Image) -> None:
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[:20] = 255
    alpha[20:40] = 51
    picture = PillowImage.fromarray(np.dstack([photo, alpha]))
    for data in (_file(picture, "PNG"), _file(picture, "WEBP", lossless=True, exact=True)):
        decoded = decode_photo(data, "x")
        np.testing.assert_array_equal(decoded[:20], photo[:20])
        # 51 / 255 is one fifth: a fifth of the photo and four fifths of white.
        np.testing.assert_allclose(decoded[20:40], photo[20:40] * 0.2 + 255 * 0.8, atol=0.51)
        assert np.all(decoded[40:] == 255)


def test_transparent_palette_shows_white_behind() -> None:
    picture = PillowImage.new("P", (4, 3), 1)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((0, 0), 0)
    decoded = decode_photo(_file(picture, "PNG", transparency=0), "x")
    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[0, 1].tolist() == [200, 100, 50]


def test_cmyk_jpeg_agrees_with_pillow(photo: Image) -> None:
    data = _file(PillowImage.fromarray(photo).convert("CMYK"), "JPEG", quality=95)
    reference = np.asarray(PillowImage.open(BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode_photo(data, "x"), reference)
    assert np.abs(decode_photo(data, "x").astype(int) - photo).mean() < 12
    with pytest.raises(DataError, match="whole JPEG"):
        decode_photo(data[: len(data) // 2], "x")


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "I;16", "1"])
def test_an_opened_picture_is_the_photo_of_its_file(photo: Image, mode: str) -> None:
    picture = PillowImage.fromarray(photo).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = PillowImage.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    data = _file(picture, "PNG")
    np.testing.assert_array_equal(decode_picture(PillowImage.open(BytesIO(data)), "x"), decode_photo(data, "x"))
    np.testing.assert_array_equal(decode_picture(picture, "x"), decode_photo(data, "x"))


def test_an_opened_picture_is_turned_and_checked(photo: Image) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    data = _file(PillowImage.fromarray(photo), "PNG", exif=exif)
    np.testing.assert_array_equal(decode_picture(PillowImage.open(BytesIO(data)), "x"), decode_photo(data, "x"))
    with pytest.raises(DataError, match="x must be"):
        decode_picture(PillowImage.open(BytesIO(data[:-400])), "x")


def test_a_huge_photo_is_refused_by_its_header() -> None:
    with pytest.raises(DataError, match="at most 50 million pixels, got '10000 × 5001'"):
        decode_photo(huge_png(5_001, 10_000), "x")
    # One row fewer passes the limit and fails for want of pixels.
    with pytest.raises(DataError, match="sound PNG"):
        decode_photo(huge_png(5_000, 10_000), "x")


def test_prepare_decodes_crops_and_resizes(photo: Image) -> None:
    data = encode(photo, "PNG")
    prepared = prepare(data, "x", lambda image: image[10:50, 2:42], 20, 10)
    # Shrinking by whole factors by area is the mean of each block.
    blocks = photo[10:50, 2:42].reshape(20, 2, 10, 4, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(prepared - blocks).max() <= 0.51
    bound = partial(prepare, crop=lambda image: image[:0], height_px=4, width_px=4)
    with pytest.raises(DataError, match=r"the crop of x must be a part of the photo, got '0 × 44 × 3'"):
        bound(data, "x")


def test_resize_shrinks_one_axis_by_area_while_the_other_grows() -> None:
    stripes = np.zeros((2, 40, 3), np.uint8)
    stripes[:, ::2] = 200
    resized = resize(stripes, 8, 10)
    assert resized.shape == (8, 10, 3)
    assert np.all(resized == 100)
    np.testing.assert_array_equal(resize(stripes, 2, 40), stripes)
    # Growing is linear: half way between 0 and 100 at the borders of two pixels grown four times.
    ramp = np.array([[[0] * 3, [100] * 3]], np.uint8)
    assert resize(ramp, 1, 4)[0, :, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize(
    ("rows", "columns", "least_px", "shape"),
    [
        (512, 384, (256, 192), (256, 192)),
        (512, 384, (257, 192), (512, 384)),
        (512, 384, (256, 193), (512, 384)),
        (512, 384, (128, 96), (128, 96)),
        (512, 384, (64, 48), (64, 48)),
        (512, 384, (8, 8), (64, 48)),
        (513, 385, (256, 192), (257, 193)),  # a part of a pixel is a pixel
        (40, 30, (40, 30), (40, 30)),
        (40, 30, (80, 60), (40, 30)),
    ],
)
def test_a_jpeg_is_decoded_at_a_part_of_its_size_that_is_large_enough(
    rows: int, columns: int, least_px: tuple[int, int], shape: tuple[int, int]
) -> None:
    smooth = cv2.GaussianBlur(noise(np.random.default_rng(4), rows, columns), (0, 0), 12)
    data = encode(np.asarray(smooth), quality=95)
    decoded = decode_photo(data, "x", least_px)
    assert decoded.shape == (*shape, 3)
    assert decoded.flags.c_contiguous
    # Where there are no fine waves to leave out, a part is what shrinking by area gives.
    expected = resize(decode_photo(data, "x"), *shape)
    assert np.abs(decoded.astype(int) - expected).mean() < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photo_stands_upright_and_is_large_enough_either_way(orientation: int) -> None:
    tall = np.asarray(cv2.GaussianBlur(noise(np.random.default_rng(5), 64, 32), (0, 0), 6))
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    data = _file(PillowImage.fromarray(tall), "JPEG", quality=95, exif=exif)
    whole = decode_photo(data, "x")
    rows, columns = (64, 32) if orientation < 5 else (32, 64)
    assert whole.shape == (rows, columns, 3)
    half = decode_photo(data, "x", (rows // 2, columns // 2))
    assert half.shape == (rows // 2, columns // 2, 3)
    assert np.abs(half.astype(int) - resize(whole, rows // 2, columns // 2)).mean() < 3
    assert decode_photo(data, "x", (columns // 2 + 20, rows // 2 + 20)).shape == whole.shape


@pytest.mark.parametrize("kind", ["png", "webp", "lossless webp", "bmp"])
def test_other_formats_have_no_parts(photo: Image, kind: str) -> None:
    format_name, options = FORMATS[kind]
    data = encode(photo, format_name, **options)
    np.testing.assert_array_equal(decode_photo(data, "x", (8, 8)), decode_photo(data, "x"))


def test_gray_and_progressive_jpegs_have_parts_and_cmyk_ones_have_none(photo: Image) -> None:
    least_px = (photo.shape[0] // 2, photo.shape[1] // 2)
    gray = _file(PillowImage.fromarray(photo).convert("L"), "JPEG")
    cmyk = _file(PillowImage.fromarray(photo).convert("CMYK"), "JPEG")
    assert decode_photo(gray, "x", least_px).shape == (*least_px, 3)
    assert decode_photo(encode(photo, progressive=True), "x", least_px).shape == (*least_px, 3)
    assert decode_photo(cmyk, "x", least_px).shape == photo.shape


@pytest.mark.parametrize("percent", [10, 50, 99])
def test_a_truncated_jpeg_is_refused_when_it_is_reduced_too(photo: Image, percent: int) -> None:
    data = encode(photo)
    with pytest.raises(DataError, match="whole JPEG"):
        decode_photo(data[: len(data) * percent // 100], "x", (20, 20))
