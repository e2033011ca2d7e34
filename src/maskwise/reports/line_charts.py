"""Charts of lines and points as SVG, in the colors of the page; what they show stands in words and in a table, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from maskwise.evaluation.reliability import ConfidenceBin
from maskwise.records import Floats
from maskwise.score import Score

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 360, 230, 40, 10, 22, 38
_LONG_LABEL = 6
"""Letters from which a label at an end of the axis would reach beyond the chart."""
_FLOOR = _HEIGHT - _BOTTOM
_LINE_STYLES = 5
_BINS = 20

STYLE = """<style>
:root { --line-0: #2f6f9f; --line-1: #b4532a; --line-2: #4b7f3f; --line-3: #7b4fa0; --line-4: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --line-0: #6fb1e0; --line-1: #f0956a; --line-2: #8fc97f;
  --line-3: #c3a0e6; --line-4: #e0c052; } }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 0.8rem 1.6rem; }
.lines { width: 100%; max-width: 460px; font-size: 12px; overflow: visible; } .lines text { fill: var(--faint); }
.lines .name { fill: var(--ink); font-weight: 600; } .lines .axis { stroke: var(--line); fill: none; }
.lines .border { stroke: var(--ink); stroke-dasharray: 4 3; fill: none; }
.lines .l0 { stroke: var(--line-0); } .lines .l1 { stroke: var(--line-1); stroke-dasharray: 7 3; }
.lines .l2 { stroke: var(--line-2); stroke-dasharray: 2 3; } .lines .l3 { stroke: var(--line-3);
  stroke-dasharray: 9 3 2 3; } .lines .l4 { stroke: var(--line-4); stroke-dasharray: 4 2; }
.lines .drawn { fill: none; stroke-width: 2; } .lines .range { stroke: var(--line-0); stroke-width: 1.4;
  opacity: 0.55; }
.lines .dot { fill: var(--line-0); } .lines .kept { fill: var(--paper); stroke-width: 2; stroke-dasharray: none; }
.lines .share { fill: var(--line-0); opacity: 0.22; }
</style>"""


def charts(*drawn: str) -> str:
    """Charts beside each other where there is room, all of one size."""
    return f'<div class="charts">{"".join(drawn)}</div>'


class Line(NamedTuple):
    """A value for each epoch; ``kept`` is the epoch, from 1, whose weights were kept."""

    name: str
    value_E: Sequence[float]
    kept: int


def epochs_chart(title: str, lines: Sequence[Line], top: float | None = None) -> str:
    """One line each over the epochs, a ring around the one that was kept; ``top`` is the end of the scale."""
    epochs = max(len(line.value_E) for line in lines)
    known = [value for line in lines for value in line.value_E if math.isfinite(value)]
    highest = top if top is not None else max(known, default=1.0) * 1.05 or 1.0
    drawn = []
    for number, line in enumerate(lines):
        style = f"l{number % _LINE_STYLES}"
        places = [
            (x_at(epoch, 1, max(epochs, 2)), y_at(value, highest))
            for epoch, value in enumerate(line.value_E, start=1)
            if math.isfinite(value)
        ]
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        kept = line.value_E[line.kept - 1]
        tooltip = escape(f"{line.name}: {line.value_E[-1]:.3f} after {len(line.value_E)} epochs")
        drawn.append(f'<path class="drawn {style}" d="M{path}"><title>{tooltip}</title></path>' if places else "")
        if math.isfinite(kept):
            x, y = x_at(line.kept, 1, max(epochs, 2)), y_at(kept, highest)
            drawn.append(f'<circle class="kept {style}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    ticks = sorted({1, epochs, *range(_step(epochs), epochs, _step(epochs))})
    ticks = [tick for tick in ticks if tick in (1, epochs) or min(tick - 1, epochs - tick) >= _step(epochs) / 2]
    across = [(x_at(tick, 1, max(epochs, 2)), str(tick)) for tick in ticks]
    words = f"{title} by epoch: " + "; ".join(f"{line.name} ends at {line.value_E[-1]:.3f}" for line in lines)
    return svg_chart(title, words, "".join(drawn), across, "epoch", highest)


def scores_chart(title: str, points: Sequence[tuple[int, Score]], borders: Sequence[int], below: str) -> str:
    """A score from 0 to 1 with its interval for each whole number, and a line before each of ``borders``."""
    first, last = min(place for place, _ in points), max(place for place, _ in points)
    last = max(last, first + 1)
    drawn = []
    for place, found in points:
        x = x_at(place, first, last)
        if math.isfinite(found.low):
            drawn.append(f'<path class="range" d="M{x:.1f},{y_at(found.low, 1):.1f}V{y_at(found.high, 1):.1f}"/>')
        if math.isfinite(found.value):
            y, title_of = y_at(found.value, 1), f"<title>{place}: {found.value:.3f}</title>"
            drawn.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.6">{title_of}</circle>')
    for border in borders:
        if first < border <= last:
            x = x_at(border - 0.5, first, last)
            drawn.append(f'<path class="border" d="M{x:.1f},{_TOP}V{_FLOOR}"/>')
            drawn.append(f'<text x="{x + 3:.1f}" y="{_TOP + 10}">{border}</text>')
    ticks = range(-(-first // 10) * 10, last + 1, 10)
    words = f"{title} by {below}, from {first} to {last}; the numbers stand in the table below"
    return svg_chart(title, words, "".join(drawn), [(x_at(tick, first, last), str(tick)) for tick in ticks], below, 1.0)


def reliability_chart(title: str, bins: Sequence[ConfidenceBin], error: float) -> str:
    """Accuracy by mean probability of the predictions, with intervals; on the diagonal it is as sure as it ought to be.

    Columns at the floor show how many photos each bin holds.
    """
    most = max((each.photos for each in bins), default=1)
    drawn = [f'<path class="border" d="M{x_at(0, 0, 1):.1f},{y_at(0, 1):.1f}L{x_at(1, 0, 1):.1f},{y_at(1, 1):.1f}"/>']
    for each in bins:
        left, right = x_at(each.low, 0, 1), x_at(each.high, 0, 1)
        height = 0.3 * (_FLOOR - _TOP) * each.photos / most
        drawn.append(
            f'<rect class="share" x="{left:.1f}" width="{right - left - 1:.1f}" y="{_FLOOR - height:.1f}" '
            f'height="{height:.1f}"/>'
        )
        x = x_at(each.confidence, 0, 1)
        if math.isfinite(each.accuracy.low):
            low, high = y_at(each.accuracy.low, 1), y_at(each.accuracy.high, 1)
            drawn.append(f'<path class="range" d="M{x:.1f},{low:.1f}V{high:.1f}"/>')
        tooltip = f"sure {each.confidence:.2f}, right {each.accuracy.value:.2f}, {each.photos} photos"
        y = y_at(each.accuracy.value, 1)
        drawn.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{tooltip}</title></circle>')
    across = [(x_at(tick / 4, 0, 1), f"{tick / 4:.2f}") for tick in range(5)]
    words = f"{title}: share that is right by mean probability of the prediction; mean distance {error:.3f}"
    return svg_chart(f"{title}, ECE {error:.3f}", words, "".join(drawn), across, "probability of the prediction", 1.0)


def value_histogram(title: str, value_N: Floats, below: str, digits: int = 0) -> str:
    """How many values lie in each of twenty bins of equal width; fewer where all are whole and near each other."""
    low, high = float(value_N.min()), float(value_N.max())
    whole = bool(np.all(value_N == np.round(value_N))) and digits == 0
    bins = min(_BINS, int(high - low) + 1) if whole else _BINS
    count_B, edge_B = np.histogram(value_N, bins=bins, range=(low, high) if high > low else (low - 0.5, low + 0.5))
    first, last, highest = float(edge_B[0]), float(edge_B[-1]), float(count_B.max())
    drawn = []
    for count, left, right in zip(count_B.tolist(), edge_B[:-1].tolist(), edge_B[1:].tolist(), strict=True):
        x, wide, y = x_at(left, first, last), x_at(right, first, last) - x_at(left, first, last), y_at(count, highest)
        tooltip = f"{left:.{digits}f} to {right:.{digits}f}: {count:,}"
        drawn.append(
            f'<rect class="dot" x="{x:.1f}" width="{max(wide - 1, 0.6):.1f}" y="{y:.1f}" height="{_FLOOR - y:.1f}">'
            f"<title>{tooltip}</title></rect>"
        )
    marks = [first + (last - first) * share for share in (0, 0.25, 0.5, 0.75, 1)]
    across = [(x_at(mark, first, last), f"{mark:.{digits}f}") for mark in marks]
    words = (
        f"{title}, from {low:.{digits}f} to {high:.{digits}f}; half of them are at most {np.median(value_N):.{digits}f}"
    )
    return svg_chart(title, words, "".join(drawn), across, below, highest)


def svg_chart(
    title: str,
    words: str,
    drawn: str,
    across: Sequence[tuple[float, str]],
    below: str,
    highest: float,
    lowest: float = 0.0,
) -> str:
    """The frame of a chart: title, scale from ``lowest`` to ``highest``, ticks ``across``; ``words`` are read aloud."""
    digits = 0 if highest >= 20 else 1 if highest > 2 else 2 if highest - lowest > 0.1 else 3
    marks = [(lowest + share * (highest - lowest)) for share in (0.0, 0.5, 1.0)]
    upwards = "".join(
        f'<text x="{_LEFT - 6}" y="{y_at(value, highest, lowest) + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>'
        f'<path class="axis" d="M{_LEFT},{y_at(value, highest, lowest):.1f}H{_WIDTH - _RIGHT}"/>'
        for value in marks
    )
    ticks = "".join(
        f'<text x="{x:.1f}" y="{_FLOOR + 15}" text-anchor="{_anchor(x, label)}">{escape(label)}</text>'
        for x, label in across
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return (
        f'<svg class="lines" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">{upwards}'
        f'<text class="name" x="{_LEFT}" y="13">{escape(title)}</text>{drawn}{ticks}'
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(below)}</text></svg>'
    )


def _anchor(x: float, label: str) -> str:
    """Long labels at the ends stay within the chart."""
    if len(label) < _LONG_LABEL or _LEFT + 20 < x < _WIDTH - _RIGHT - 20:
        return "middle"
    return "start" if x < _WIDTH / 2 else "end"


def x_at(value: float, first: float, last: float) -> float:
    """Where ``value`` stands between ``first`` at the left and ``last`` at the right."""
    inner = _WIDTH - _LEFT - _RIGHT - 12
    return _LEFT + 6 + inner * (value - first) / (last - first)


def y_at(value: float, highest: float, lowest: float = 0.0) -> float:
    """Where ``value`` stands between the floor and the top."""
    return _FLOOR - (_FLOOR - _TOP) * (value - lowest) / (highest - lowest)


def _step(epochs: int) -> int:
    return max(1, math.ceil(epochs / 6))
