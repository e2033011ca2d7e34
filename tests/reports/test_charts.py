from __future__ import annotations

import base64
import re

import numpy as np

from maskwise.data.pixels import decode_photo
from maskwise.reports.charts import bars, figures, histogram, photo, shaded, shortened_list

NASTY = "<script>alert('x')</script>"


def test_bars_are_as_long_as_their_numbers() -> None:
    text = bars([("a", 50, "50"), ("b", 25, "25"), ("c", 0, "0")], "photos")
    assert re.findall(r"width:([\d.]+)%", text) == ["100.0", "50.0", "0.0"]
    assert '<a href="#b">b</a>' in bars([("a", 50, "50"), ("b", 25, "25")], "photos", {"b": "#b"})


def test_cells_are_as_dark_as_their_counts() -> None:
    text = shaded(np.array([[4, 1], [0, 2]]), ["r", "s"], ["x", "y"])
    assert re.findall(r"--much:(\d+)%", text) == ["100", "25", "0", "50"]


def test_columns_and_borders_of_a_histogram() -> None:
    text = histogram({20: 2, 40: 4, 60: 1}, (30, 60), "ages")
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', text)]
    assert heights[0] == heights[1] / 2 == 2 * heights[2]
    places = [float(x) for x in re.findall(r'<rect class="fill" x="([\d.]+)"', text)]
    borders = [float(x) for x in re.findall(r'class="border" d="M([\d.]+)', text)]
    assert places[0] < borders[0] < places[1] < borders[1] < places[2]
    assert "none known" in histogram({}, (30, 60), "ages")


def test_whatever_a_name_holds_it_is_text() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    text = "".join(
        [
            bars([(NASTY, 1, NASTY)], NASTY),
            shaded(np.ones((1, 1), dtype=np.int64), [NASTY], [NASTY]),
            histogram({1: 1}, (2,), NASTY),
            photo(image, NASTY),
            figures([(NASTY, NASTY)]),
            shortened_list([NASTY]),
        ]
    )
    assert "<script" not in text


def test_a_long_list_says_how_much_is_missing() -> None:
    assert "… and 3 more" in shortened_list([str(k) for k in range(8)], most=5)


def test_a_photo_in_a_page_is_the_photo() -> None:
    image = np.full((20, 10, 3), (200, 100, 50), dtype=np.uint8)
    data = base64.b64decode(re.findall(r"base64,([^\"]+)", photo(image, "words"))[0])
    back = decode_photo(data, "photo")
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() < 6
