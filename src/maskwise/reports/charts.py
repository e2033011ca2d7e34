"""Charts as HTML and SVG in the colors of the page they stand in, so they read in light, in dark and on paper."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

import cv2
import numpy as np

from maskwise.records import Image, Ints

_JPEG_QUALITY = 82
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 200, 36, 26, 18


def bars(rows: Sequence[tuple[str, int, str]], unit: str, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Horizontal bars, one a row: (name, length, what stands at its end); ``unit`` heads the numbers.

    ``links`` (name → address) are what names lead to.
    """
    longest = max((length for _, length, _ in rows), default=0) or 1
    lines = "".join(
        f'<tr><th scope="row">{_linked(name, links)}</th>'
        f'<td class="bar"><i style="width:{100 * length / longest:.1f}%"></i></td>'
        f"<td>{escape(shown)}</td></tr>"
        for name, length, shown in rows
    )
    head = f'<thead><tr><td></td><td class="bar"></td><td>{escape(unit)}</td></tr></thead>'
    return f'<table class="bars">{head}<tbody>{lines}</tbody></table>'


def _linked(name: str, links: Mapping[str, str]) -> str:
    return f'<a href="{escape(links[name])}">{escape(name)}</a>' if name in links else escape(name)


def shaded(counts_RC: Ints, row_names: Sequence[str], column_names: Sequence[str]) -> str:
    """A table of counts whose cells are the darker the more they hold."""
    most = max(int(counts_RC.max(initial=0)), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in column_names)
    lines = []
    for name, counts_C in zip(row_names, counts_RC.tolist(), strict=True):
        cells = "".join(f'<td style="--much:{100 * count / most:.0f}%">{count:,}</td>' for count in counts_C)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table class="shaded"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def histogram(counts: Mapping[int, int], borders: Sequence[int], words: str) -> str:
    """Counts by whole number as columns, with a line before each of ``borders``; ``words`` say what it shows."""
    if not counts:
        return f'<p class="note">{escape(words)}: none known</p>'
    first, last = min(*counts, *borders), max(*counts, *borders)
    step = (_WIDTH - _LEFT) / (last - first + 1)
    most, floor = max(counts.values()), _HEIGHT - _BOTTOM
    columns = "".join(
        f'<rect class="fill" x="{_LEFT + (value - first) * step:.1f}" width="{max(step - 1, 0.6):.1f}" '
        f'y="{floor - (floor - _TOP) * count / most:.1f}" height="{(floor - _TOP) * count / most:.1f}">'
        f"<title>{value}: {count}</title></rect>"
        for value, count in counts.items()
    )
    lines = "".join(
        f'<path class="border" d="M{_LEFT + (border - first) * step - 0.5:.1f},4V{floor}"/>'
        f'<text x="{_LEFT + (border - first) * step + 4:.1f}" y="14">{border}</text>'
        for border in borders
    )
    ticks = "".join(
        f'<text x="{_LEFT + (value - first + 0.5) * step:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{value}</text>'
        for value in range(-(-first // 10) * 10, last + 1, 10)
    )
    scale = f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{most}</text>'
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">{columns}'
        f'<path class="axis" d="M{_LEFT},{floor}H{_WIDTH}"/>{lines}{ticks}{scale}</svg>'
    )


def photo(image: Image, alt: str, quality: int = _JPEG_QUALITY) -> str:
    """A photo inside the page, as JPEG."""
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV writes any 8-bit image as JPEG"
    height, width = image.shape[:2]
    encoded = base64.b64encode(bytes(data)).decode()
    return (
        f'<img src="data:image/jpeg;base64,{encoded}" alt="{escape(alt)}" width="{width}" height="{height}" '
        'loading="lazy">'
    )


STYLE = """<style>
:root { --fill: #2f6f9f; --soft: 47 111 159; } @media (prefers-color-scheme: dark) { :root { --fill: #6fb1e0;
  --soft: 111 177 224; } }
.bars { width: 100%; } .bars th, .bars td { padding: 0.12em 0.5em; border: 0; font-weight: normal; }
.bars th { text-align: left; width: 1%; } .bars td:last-child { width: 1%; text-align: right; }
.bars thead { color: var(--faint); font-size: 0.85rem; } .bars .bar { text-align: left; }
.bars i { display: block; height: 0.8em; min-width: 1px; background: var(--fill); border-radius: 2px; }
.shaded td { background: rgb(var(--soft) / calc(var(--much) * 0.6)); text-align: center; }
.chart { width: 100%; max-width: 640px; font-size: 12px; overflow: visible; } .chart text { fill: var(--faint); }
.chart .fill { fill: var(--fill); } .chart .axis { stroke: var(--line); fill: none; }
.chart .border { stroke: var(--ink); stroke-dasharray: 4 3; fill: none; }
.tiles { display: flex; flex-wrap: wrap; gap: 4px; } .tiles img { border-radius: 4px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); gap: 1rem 1.6rem; }
.cards h3 { font-size: 0.95rem; margin: 0.3em 0; overflow-wrap: anywhere; } .cards figure { margin: 0; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 0.6rem; }
.faces img { width: 100%; } .cards .faces { grid-template-columns: repeat(auto-fill, minmax(70px, 1fr)); gap: 0.4rem; }
.faces figcaption { font-size: 0.75rem; line-height: 1.25; } .faces figure { margin: 0; }
.big { display: flex; flex-wrap: wrap; gap: 0.4rem 2.2rem; margin: 0.6em 0; }
.big b { display: block; font-size: 1.5rem; }
.big span { color: var(--faint); font-size: 0.9rem; }
ul.list { margin: 0.3em 0; padding-left: 1.2rem; overflow-wrap: anywhere; font-size: 0.92rem; }
@media (max-width: 30rem) { .bars { font-size: 0.78rem; } .bars th, .bars td { padding: 0.1em 0.3em; }
  .bars thead td { white-space: normal; font-size: 0.7rem; } .shaded th, .shaded td { padding: 0.3em 0.45em; }
  .shaded { font-size: 0.9rem; } }
@media print { .bars i, .shaded td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .cards > *, .faces > * { break-inside: avoid; } section { break-inside: auto; } h2 { break-after: avoid; } }
</style>"""


def figures(pairs: Sequence[tuple[str, str]]) -> str:
    """A few large numbers with what they count below."""
    return (
        '<div class="big">'
        + "".join(f"<div><b>{escape(n)}</b><span>{escape(w)}</span></div>" for n, w in pairs)
        + "</div>"
    )


def shortened_list(lines: Sequence[str], most: int = 50) -> str:
    """Lines of text; beyond ``most`` only how many more there are."""
    more = len(lines) - most
    shown = [*lines[:most], *([f"… and {more:,} more"] if more > 0 else [])]
    return '<ul class="list">' + "".join(f"<li>{escape(line)}</li>" for line in shown) + "</ul>"
