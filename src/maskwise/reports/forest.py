"""Scores with their intervals as dots and lines on one common axis, as HTML that reads at any width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from maskwise.score import Score

FEW_PEOPLE = 7
"""Intervals of fewer people say nothing."""

STYLE = """<style>
.forest { display: grid; grid-template-columns: minmax(5.5rem, max-content) minmax(5rem, 1fr) max-content;
  gap: 0 0.8rem; align-items: center; font-variant-numeric: tabular-nums; font-size: 0.92rem; margin: 0.4em 0; }
.forest > * { padding: 0.2em 0; } .forest .head { grid-column: 1 / -1; font-weight: 600; margin-top: 0.5em; }
.forest .who { overflow-wrap: anywhere; } .forest .what { white-space: nowrap; }
.forest .what small, .forest .who small { color: var(--faint); font-size: 0.85em; }
.forest .lane { position: relative; height: 1.15em; padding: 0; align-self: stretch; min-height: 1.6em;
  background: linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat; }
.forest .lane.zeroed::before { content: ""; position: absolute; left: var(--zero); top: 0; bottom: 0;
  border-left: 1px dashed var(--faint); }
.forest .lane i { position: absolute; top: 50%; height: 0.5em; margin-top: -0.25em; border-radius: 0.25em;
  background: var(--fill); opacity: 0.45; min-width: 2px; }
.forest .lane b { position: absolute; top: 50%; width: 0.62em; height: 0.62em; margin: -0.31em 0 0 -0.31em;
  border-radius: 50%; background: var(--fill); }
.forest .axis { position: relative; height: 1.3em; color: var(--faint); font-size: 0.8rem; }
.forest .axis span { position: absolute; transform: translateX(-50%); }
.forest .axis span:first-child { transform: none; } .forest .axis span:last-child { transform: translateX(-100%); }
@media (max-width: 30rem) { .forest { gap: 0 0.5rem; font-size: 0.85rem; } .forest .what small { display: none; } }
@media print { .forest .lane i, .forest .lane b { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>"""


class ForestRow(NamedTuple):
    """A line: whose score it is, and the score; without one a heading."""

    name: str
    score: Score | None
    note: str = ""
    """Small, after the name: ``60 people``."""
    people: int | None = None
    """Of whom the interval is; None where that goes without saying."""


def forest(rows: Sequence[ForestRow], *, signed: bool = False) -> str:
    """All rows on one axis: from 0 to 1, or for differences as wide as they need, with a line at 0."""
    low, high = _difference_axis(rows) if signed else (0.0, 1.0)
    zero = f' zeroed" style="--zero:{_place(0.0, low, high):.1f}%' if signed else ""
    lines = [_row(row, low, high, zero, signed=signed) for row in rows]
    marks = [low, 0.0, high] if signed else [0.0, 0.25, 0.5, 0.75, 1.0]
    ticks = "".join(
        f'<span style="left:{_place(mark, low, high):.1f}%">{f"{mark:+.2f}" if signed and mark else f"{mark:g}"}</span>'
        for mark in dict.fromkeys(marks)
    )
    return f'<div class="forest">{"".join(lines)}<span></span><span class="axis">{ticks}</span><span></span></div>'


def words_of(found: Score, people: int | None = None, *, signed: bool = False) -> tuple[str, str]:
    """(the score, its interval) as text; of too few people it says so."""
    if math.isnan(found.value):
        return "–", ""
    value = f"{found.value:{'+' if signed else ''}.3f}"
    if math.isnan(found.low) or (people is not None and people < FEW_PEOPLE):
        return value, "too few people"
    if found.low == found.high and not signed:
        return value, "no spread"
    return value, f"[{found.low:{'+' if signed else ''}.3f}, {found.high:{'+' if signed else ''}.3f}]"


def _row(row: ForestRow, low: float, high: float, zero: str, *, signed: bool) -> str:
    note = f" <small>{escape(row.note)}</small>" if row.note else ""
    if row.score is None:
        return f'<span class="head">{escape(row.name)}{note}</span>'
    value, interval = words_of(row.score, row.people, signed=signed)
    drawn = ""
    if not math.isnan(row.score.value):
        if interval.startswith("["):
            left, right = _place(row.score.low, low, high), _place(row.score.high, low, high)
            drawn = f'<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        drawn += f'<b style="left:{_place(row.score.value, low, high):.1f}%"></b>'
    return (
        f'<span class="who">{escape(row.name)}{note}</span><span class="lane{zero}" aria-hidden="true">{drawn}</span>'
        f'<span class="what">{value} <small>{interval}</small></span>'
    )


def _difference_axis(rows: Sequence[ForestRow]) -> tuple[float, float]:
    bounds = [bound for row in rows if row.score is not None for bound in _numbers(row.score) if math.isfinite(bound)]
    widest = max((abs(bound) for bound in bounds), default=0.0)
    reach = max(0.01, math.ceil(widest * 50) / 50)
    return -reach, reach


def _numbers(found: Score) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def _place(value: float, low: float, high: float) -> float:
    return 100 * min(1.0, max(0.0, (value - low) / (high - low)))
