"""The budget of ``data.photo_budget`` in the words of HTTP: which photos are refused before they are decoded."""

from __future__ import annotations

from maskwise.data.photo_budget import Reason, RefusedPhotoError, check_budget
from maskwise.serving.refusals import RefusedError

_STATUS: dict[Reason, tuple[int, str]] = {
    "unsupported": (415, "unsupported_type"),
    "too_many_pixels": (413, "too_many_pixels"),
    "unreadable": (422, "unreadable"),
}


def pixels_of(data: bytes, most_pixels: int, name: str = "the photo") -> int:
    """The number of pixels of the photo in ``data``; ``RefusedError`` where decoding is impossible or not worth it."""
    try:
        header = check_budget(data, name, most_pixels)
    except RefusedPhotoError as error:
        status, code = _STATUS[error.reason]
        raise RefusedError(status, code, error.problems[0]) from None
    return header.width_px * header.height_px
