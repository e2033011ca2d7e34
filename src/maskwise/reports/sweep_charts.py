"""A sweep's history, and what each setting did: charts as SVG."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from html import escape

from maskwise.reports.line_charts import charts, svg_chart, x_at, y_at
from maskwise.reports.parallel_coordinates import Scale, scale_of
from maskwise.sweeps.format_sweep import setting_names, value_in_words
from maskwise.sweeps.results import SweepResults, TrialRow


def history(found: SweepResults) -> str:
    """Macro F1 of each run in the order of trials, and the best so far as a staircase."""
    rows = sorted(found.rows, key=lambda row: row.number)
    last = max(row.number for row in rows) + 1
    low, high = _bounds(rows)
    dots = "".join(_dot(row, x_at(row.number, 0, last), low, high) for row in rows)
    best = list(itertools.accumulate((row.macro_f1.value for row in rows), max))
    steps = "".join(
        f"{'H' if k else 'M'}{x_at(row.number, 0, last):.1f}{'V' if k else ','}{y_at(value, high, low):.1f}"
        for k, (row, value) in enumerate(zip(rows, best, strict=True))
    )
    drawn = f'<path class="drawn l1" d="{steps}H{x_at(last, 0, last):.1f}"/>{dots}'
    words = f"macro F1 of {len(rows)} runs by trial; the best so far rises to {best[-1]:.3f}"
    across = [(x_at(0, 0, last), "0"), (x_at(last, 0, last), str(last))]
    return svg_chart("macro F1, and the best so far", words, drawn, across, "trial", high, low)


def by_setting(found: SweepResults) -> str:
    """For each setting the macro F1 of all runs by its value."""
    return charts(*(_scatter(found, scale_of(found, name)) for name in setting_names(found)))


def _scatter(found: SweepResults, scale: Scale) -> str:
    rows = [row for row in found.rows if scale.name in row.params]
    low, high = _bounds(rows)
    dots = "".join(_dot(row, x_at(scale.of(row.params[scale.name]), 0, 1), low, high) for row in rows)
    across = [(x_at(share, 0, 1), words) for share, words in scale.ticks() if not math.isnan(share)]
    words = f"macro F1 by {scale.name}; the numbers stand in the table of runs"
    return svg_chart(scale.name, words, dots, across, "logarithmic scale" if scale.log else "", high, low)


def _dot(row: TrialRow, x: float, low: float, high: float) -> str:
    settings = ", ".join(f"{name} {value_in_words(value)}" for name, value in row.params.items())
    words = escape(f"trial {row.number}: {row.macro_f1.value:.3f}; {settings}")
    y = y_at(row.macro_f1.value, high, low)
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.4"><title>{words}</title></circle>'


def _bounds(rows: Sequence[TrialRow]) -> tuple[float, float]:
    values = [row.macro_f1.value for row in rows]
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = max(0.08 * (high - low), 0.005)
    return low - margin, high + margin
