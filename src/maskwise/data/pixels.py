"""From a file's bytes to a photo: upright, RGB, 8 bits a channel; the same function in training and in prediction.

``photo_budget`` looks at the header first. JPEGs are decoded strictly by simplejpeg (libjpeg-turbo, which takes each of
its warnings for damage), PNG and WEBP by OpenCV, the rest by Pillow and its HEIF plugin. All let go of Python's lock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as PillowImage
from PIL.ImageFile import ImageFile

from maskwise.data.jpeg_segments import without_padding
from maskwise.data.photo_budget import PhotoFormat, PhotoHeader, check_budget, damaged, refuse_size, truncated
from maskwise.errors import DataError, must
from maskwise.records import Image

DECODER_VERSION = 2
"""Raised whenever ``prepare`` begins to give other pixels for the same bytes; part of the cache's settings."""

# What Pillow's readers are known to raise on damaged bytes.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    EOFError,
    RuntimeError,
    struct.error,
    PillowImage.DecompressionBombError,
)
_EXIF_ORIENTATION = 0x0112
_ORIENTED_BY = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
"""Where Pillow keeps what may say how a photo was held."""
_ROWS_OF_PIXELS = 65_536
_PARTS = (2, 4, 8)


def decode_photo(data: bytes, name: str, least_px: tuple[int, int] | None = None) -> Image:
    """Decode a JPEG, PNG, WEBP, AVIF, HEIC, GIF, TIFF or BMP file, whatever its name, into an H × W × 3 photo.

    The orientation (EXIF, or else XMP) is applied; 16-bit values are scaled to 8 bits; transparency shows white
    behind; gray and palette become RGB; CMYK is read by Adobe's convention; of several pictures the first is taken.
    With ``least_px`` (rows, columns) a JPEG that has 2, 4 or 8 times as many of both is decoded at that part of its
    size: libjpeg then leaves out the finer waves of each block of 8 × 8 (ITU T.81, annex A) and all work on them.
    ``DataError`` names ``name`` when the file is empty, no photo, truncated, damaged or over the budget.
    """
    budget = check_budget(data, name)
    try:
        header = _open(budget.format, data)
    except _DAMAGE as error:
        raise damaged(name, budget.format) from error
    refuse_size(header.width, header.height, name, budget.format)
    orientation = _orientation(header)
    part = _part(header, orientation, least_px) if least_px else 1
    return _upright(_decode(budget, header, data, name, part), orientation)


def decode_picture(picture: PillowImage.Image, name: str) -> Image:
    """A picture that Pillow has opened or made, H × W × 3, as ``decode_photo`` gives it for a file.

    ``DataError`` names ``name`` when it has no pixels or too many, or turns out to be damaged.
    """
    refuse_size(picture.width, picture.height, name, picture.format or "photo")
    return _upright(_decode_by_pillow(picture, b"", name), _orientation(picture))


def _open(kind: PhotoFormat, data: bytes) -> ImageFile:
    """Pillow's reader after it has read the header."""
    return _header_readers()[kind](BytesIO(data))


@cache
def _header_readers() -> dict[PhotoFormat, Callable[[BytesIO], ImageFile]]:
    # Imported here as loading libheif takes 20 ms.
    from pillow_heif import HeifImageFile

    return {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
        "HEIF": HeifImageFile,
    }


def _decode(budget: PhotoHeader, header: ImageFile, data: bytes, name: str, part: int) -> Image:
    # Pillow knows Adobe's inverted inks.
    if budget.format == "JPEG" and header.mode != "CMYK":
        return _decode_jpeg(header, data, name, part)
    if budget.format in ("PNG", "WEBP"):
        return _decode_by_opencv(data, name, budget.format)
    return _decode_by_pillow(header, data, name)


def prepare(
    data: bytes,
    name: str,
    crop: Callable[[Image], Image],
    height_px: int,
    width_px: int,
    least_px: tuple[int, int] | None = None,
) -> Image:
    """decode → crop → resize: a model's input before normalization, ``height_px`` × ``width_px`` × 3.

    ``least_px`` is for ``decode_photo``. Deterministic, so it can be cached; training and prediction share it, so they
    cannot differ.
    """
    cropped = crop(decode_photo(data, name, least_px))
    if cropped.ndim != 3 or cropped.shape[2] != 3 or 0 in cropped.shape:
        got = " × ".join(map(str, cropped.shape))
        raise DataError(must(f"the crop of {name}", "a part of the photo", got, "Choose another crop."))
    return resize(cropped, height_px, width_px)


def resize(photo: Image, height_px: int, width_px: int) -> Image:
    """Resize to ``height_px`` × ``width_px`` × 3: by area where an axis shrinks, linearly where it grows."""
    # One axis may shrink while the other grows. OpenCV's area method would alias there, so shrinking comes first.
    inner = (min(width_px, photo.shape[1]), min(height_px, photo.shape[0]))
    if inner != (photo.shape[1], photo.shape[0]):
        photo = np.asarray(cv2.resize(photo, inner, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if inner != (width_px, height_px):
        photo = np.asarray(cv2.resize(photo, (width_px, height_px), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return photo


def _decode_by_pillow(header: PillowImage.Image, data: bytes, name: str) -> Image:
    kind = header.format or "photo"
    try:
        if header.mode.startswith("I;16"):
            return _as_rgb(np.asarray(header).astype(np.uint16))
        if header.has_transparency_data:
            return _as_rgb(np.asarray(header.convert("RGBA"))[..., [2, 1, 0, 3]])
        return np.array(header.convert("RGB"), dtype=np.uint8)
    except _DAMAGE as error:
        raise (truncated(data, name, kind) if "truncated" in str(error) else damaged(name, kind)) from error


def _part(header: ImageFile, orientation: int, least_px: tuple[int, int]) -> int:
    """The largest of 1, 2, 4 and 8 by which both sides can be divided and still have ``least_px``."""
    rows_px, columns_px = (header.width, header.height) if orientation >= 5 else (header.height, header.width)
    fits = [part for part in _PARTS if rows_px >= part * least_px[0] and columns_px >= part * least_px[1]]
    return max(fits, default=1)


def _decode_jpeg(header: ImageFile, data: bytes, name: str, part: int) -> Image:
    """Strictly: what libjpeg would fill with gray is damage."""
    least_px = (0, 0) if part == 1 else (-(-header.height // part), -(-header.width // part))
    try:
        return _by_libjpeg(data, least_px, part)
    except ValueError as error:
        # Some cameras pad the coded data with zeros.
        if "extraneous bytes before marker 0xd9" in str(error) and (whole := without_padding(data)) != data:
            return _decode_jpeg(header, whole, name, part)
        raise damaged(name, "JPEG") from error


def _by_libjpeg(data: bytes, least_px: tuple[int, int], part: int) -> Image:
    pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=least_px[0], min_width=least_px[1], min_factor=part)
    return np.asarray(pixels, dtype=np.uint8)


def _decode_by_opencv(data: bytes, name: str, kind: str) -> Image:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise damaged(name, kind) from error
    if pixels is None:
        raise damaged(name, kind)
    return _as_rgb(np.asarray(pixels))


def _as_rgb(pixels: NDArray[Any]) -> Image:
    """H × W, H × W × 3 (BGR) or H × W × 4 (BGRA) of 8 or 16 bits → H × W × 3 RGB of 8 bits."""
    # Some rows at a time: numbers of 32 bits for a whole photo of 25 million pixels would take 1.5 GB and six seconds.
    rows = max(1, _ROWS_OF_PIXELS // max(1, pixels.shape[1]))
    if (pixels.dtype == np.uint8 and pixels.shape[2:] in ((), (3,))) or len(pixels) <= rows:
        return _rows_as_rgb(pixels)
    photo = np.empty((*pixels.shape[:2], 3), dtype=np.uint8)
    for top in range(0, len(pixels), rows):
        photo[top : top + rows] = _rows_as_rgb(pixels[top : top + rows])
    return photo


def _rows_as_rgb(pixels: NDArray[Any]) -> Image:
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    opaque = pixels[..., 3:].astype(np.uint32)
    over_white = pixels[..., 2::-1].astype(np.uint32) * opaque + 255 * (255 - opaque)
    return ((over_white + 127) // 255).astype(np.uint8)


def _orientation(header: PillowImage.Image) -> int:
    """The orientation in EXIF or XMP, 1 to 8; 1 (upright) where there is none or it cannot be read.

    Pillow turns a TIFF itself, and libheif a HEIC photo, by the file's own field for it.
    """
    if header.format in ("TIFF", "HEIF") or not any(header.info.get(place) for place in _ORIENTED_BY):
        return 1
    try:
        value = header.getexif().get(_EXIF_ORIENTATION)
    except _DAMAGE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(photo: Image, orientation: int) -> Image:
    """Undo an EXIF orientation (CIPA DC-008, tag 0x0112)."""
    if orientation == 1:
        return photo
    if orientation >= 5:
        photo = photo.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        photo = photo[:, ::-1]
    if orientation in (3, 4, 7, 8):
        photo = photo[::-1]
    return np.ascontiguousarray(photo)
