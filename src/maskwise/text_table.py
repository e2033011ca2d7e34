"""Plain text in aligned columns, also for names in scripts whose letters are two columns wide."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from maskwise.score import Score

ABSENT = "–"
"""Shown where a number has no meaning."""

LINE_WIDTH = 78
"""What fits on a terminal of 80 columns."""


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,), gap: str = "  ") -> list[str]:
    """One line a row, columns padded to their widest cell: flush right, except those numbered in ``left``."""
    columns = [_column(cells, k in left) for k, cells in enumerate(zip(*rows, strict=True))]
    return [gap.join(cells).rstrip() for cells in zip(*columns, strict=True)]


def column_width(cells: Sequence[str]) -> int:
    """Terminal columns of the widest of ``cells``, one or more."""
    if "".join(cells).isascii():
        return max(map(len, cells))
    return max(map(text_width, cells))


def text_width(text: str) -> int:
    """Terminal columns that ``text`` takes (Unicode Standard Annex 11: wide letters take two, combining marks none)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def shortened(text: str, width: int) -> str:
    """``text`` cut to ``width`` terminal columns, ending in "…" where something was cut."""
    if text_width(text) <= width:
        return text
    kept = text
    while kept and text_width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…"


def wrapped(lines: Iterable[str]) -> list[str]:
    """``lines`` broken between words where they are longer than ``LINE_WIDTH``."""
    return [part for line in lines for part in textwrap.wrap(line, LINE_WIDTH, break_on_hyphens=False)]


def number(value: float, digits: int = 3) -> str:
    """A number with ``digits`` decimals, "–" for NaN."""
    return ABSENT if math.isnan(value) else f"{value:.{digits}f}"


def score(of: Score, digits: int = 3) -> str:
    """``0.734 [0.712, 0.755]``; the value alone where there is no interval."""
    if math.isnan(of.low):
        return number(of.value, digits)
    return f"{number(of.value, digits)} [{number(of.low, digits)}, {number(of.high, digits)}]"


def _column(cells: Sequence[str], left: bool) -> list[str]:
    """``cells``, each as wide as the widest."""
    width = column_width(cells)
    if "".join(cells).isascii():  # of thousands of rows nearly always
        pad = str.ljust if left else str.rjust
        return [pad(cell, width) for cell in cells]
    return [_padded(cell, width, left) for cell in cells]


def _padded(text: str, width: int, left: bool) -> str:
    if text.isascii():
        return text.ljust(width) if left else text.rjust(width)
    space = " " * (width - text_width(text))
    return text + space if left else space + text


def duration(seconds: float) -> str:
    """``2h 05m``, ``8m 05s`` or ``42s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 60}m {whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def about(seconds: float) -> str:
    """``about 40 s``, ``about 6 min``, ``about 2 h 10 min``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 90 else f"about {minutes // 60} h {minutes % 60} min"
