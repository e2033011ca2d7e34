"""Plain text in aligned columns, also for names in scripts whose letters are two columns wide."""

from __future__ import annotations

import itertools
import math
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from maskwise.score import Score

ABSENT = "–"
"""Shown where a number has no meaning."""

LINE_WIDTH = 78
"""What fits on a terminal of 80 columns."""


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """One line a row, columns padded to their widest cell: flush right, except those numbered in ``left``."""
    columns = [_column(cells, k in left) for k, cells in enumerate(zip(*rows, strict=True))]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def fitted(rows: Sequence[Sequence[str]], width: int, left: Sequence[int] = (0,), keep: int = 1) -> list[str]:
    """``aligned``, within ``width`` terminal columns: columns for which there is no room are put below, as a further
    table that begins with the first ``keep`` columns again. Where that is not enough, long cells are broken."""
    widths = [column_width(cells) for cells in zip(*rows, strict=True)]
    if _line_width(widths) <= width:
        return aligned(rows, left)
    if any(_line_width([*widths[:keep], each]) > width for each in widths[keep:]):
        rows = [line for row in rows for line in _broken(row, width // 3)]
        widths = [column_width(cells) for cells in zip(*rows, strict=True)]
    first, parts = list(range(keep)), [[keep]]
    for k in range(keep + 1, len(widths)):
        if _line_width([widths[place] for place in (*first, *parts[-1], k)]) > width:
            parts.append([])
        parts[-1].append(k)
    lines: list[str] = []
    for part in parts:
        chosen = [*first, *part]
        table = aligned([[row[k] for k in chosen] for row in rows], [at for at, k in enumerate(chosen) if k in left])
        lines += ["", *table] if lines else table
    return lines


def screen_width() -> int:
    """Columns of the terminal; 120 where the output goes elsewhere."""
    return shutil.get_terminal_size((120, 24)).columns


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


def wrapped(lines: Iterable[str], width: int = LINE_WIDTH, indent: str = "") -> list[str]:
    """``lines`` broken between words where they are longer than ``width``, with ``indent`` before what is broken off.
    Longer words, such as paths, stay whole."""
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
    return [part for line in lines for part in wrapper.wrap(line)]


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


def _broken(row: Sequence[str], width: int) -> list[tuple[str, ...]]:
    """A row as several, whose cells take ``width`` columns at most; paths stay whole."""
    cells = []
    for cell in row:
        letters, breaks = max(1, width * len(cell) // max(1, text_width(cell))), "/" not in cell
        cells.append(textwrap.wrap(cell, letters, break_long_words=breaks, break_on_hyphens=breaks))
    return list(itertools.zip_longest(*cells, fillvalue="")) or [tuple(row)]


def _line_width(widths: Sequence[int], gap: int = 2) -> int:
    return sum(widths) + gap * (len(widths) - 1)


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
