"""Which photos are refused before they are decoded, and with which status."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskwise.serving.photo_header import pixels_of
from maskwise.serving.refusals import RefusedError


def test_pixels_of_a_photo_and_the_status_of_a_refusal() -> None:
    data = bytes(cv2.imencode(".png", np.zeros((37, 53, 3), np.uint8))[1])
    assert pixels_of(data, 37 * 53) == 37 * 53
    for content, most, refusal in (
        (data, 37 * 53 - 1, (413, "too_many_pixels")),
        (data[:40], 10**6, (422, "unreadable")),
        (b"no photo", 10**6, (415, "unsupported_type")),
    ):
        with pytest.raises(RefusedError) as caught:
            pixels_of(content, most, "photo 3")
        assert (caught.value.status, caught.value.code) == refusal
        assert caught.value.message.startswith("photo 3 must be")
