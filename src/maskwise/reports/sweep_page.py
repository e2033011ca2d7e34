"""A sweep as files: a page with its tables, the picture of parallel coordinates, and the best recipe."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maskwise.reports.charts import STYLE, bars
from maskwise.reports.page import page, paragraph, picture, preformatted, section, table
from maskwise.sweeps.confirm import Confirmation
from maskwise.sweeps.dimensions import Drawn, Label
from maskwise.sweeps.format_sweep import (
    best_recipe,
    confirmation_heading,
    confirmed_rows,
    heading,
    remarks,
    setting_names,
    table_rows,
    value_in_words,
)
from maskwise.sweeps.results import GivenUp, SweepResults, TrialRow

FAINT = "#b9c2cb"
_MOST_LABELS = 12


def sweep_files(found: SweepResults, confirmation: Confirmation | None) -> dict[str, bytes | str]:
    """The files by name: sweep.html, parallel.svg and parallel.png, and best.yaml where a run is finished."""
    figure = parallel_coordinates(found)
    png, svg = _rendered(figure, "png"), _rendered(figure, "svg")
    files: dict[str, bytes | str] = {"parallel.png": png, "parallel.svg": svg}
    recipe = best_recipe(found, confirmation)
    if recipe is not None:
        files["best.yaml"] = recipe
    files["sweep.html"] = sweep_page(found, confirmation, png)
    return files


def sweep_page(found: SweepResults, confirmation: Confirmation | None, picture_png: bytes) -> str:
    """One self-contained HTML document."""
    head, *rows = table_rows(found)
    parts = [STYLE, paragraph(heading(found)), section("Runs, best first", table(head, rows))]
    if confirmation is not None:
        again_head, *again = confirmed_rows(confirmation)
        parts.append(
            section("The best trained again", paragraph(confirmation_heading(confirmation)), table(again_head, again))
        )
    words = (
        "Each line is a run: its settings from left to right, its macro F1 at the right. Faint: given up on the way."
    )
    parts.append(section("Settings and scores", picture(picture_png, words)))
    if found.importance:
        shares = [(name, round(1000 * share), f"{share:.0%}") for name, share in found.importance.items()]
        parts.append(section("Importance for being among the best tenth", bars(shares, "share")))
    if found.pruned:
        parts.append(section("Given up on the way", _pruned_table(found)))
    parts.append(section("To know", *map(paragraph, remarks(found, confirmation))))
    recipe = best_recipe(found, confirmation)
    if recipe is not None:
        parts.append(section("The best recipe", preformatted(recipe)))
    return page(f"Sweep {found.study_name}", *parts)


def parallel_coordinates(found: SweepResults) -> Figure:
    """One axis a setting and one for macro F1; finished runs in the colour of their score, given up ones faint."""
    names = setting_names(found)
    width = min(2.2 * (len(names) + 1) + 1.5, 24)
    figure = Figure(figsize=(width, 4.2), dpi=140, layout="constrained")
    axes = figure.subplots()
    scores = [row.macro_f1.value for row in found.rows]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    scales = [_Scale(found, name) for name in names]
    trials: list[TrialRow | GivenUp] = [*found.pruned, *reversed(found.rows)]
    for trial in trials:
        heights = [scale.height(trial.params) for scale in scales]
        score = _share(trial.macro_f1.value, low, high) if isinstance(trial, TrialRow) else math.nan
        color = FAINT if isinstance(trial, GivenUp) else colormaps["viridis_r"](0.15 + 0.85 * score)
        # A setting that a run has not is passed by.
        points = [point for point in enumerate([*heights, score]) if not math.isnan(point[1])]
        axes.plot(*zip(*points, strict=True), color=color, linewidth=1.4, marker="o", markersize=3)
    for place, scale in enumerate(scales):
        _draw_axis(axes, place, scale.ticks)
    _draw_axis(axes, len(names), [(_share(value, low, high), f"{value:.3f}") for value in sorted({low, high})])
    axes.set_xticks(range(len(names) + 1), [name.replace(".", ".\n") for name in names] + ["macro F1"], fontsize=7)
    axes.set_xlim(-0.3, len(names) + 0.6)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return figure


class _Scale:
    """Where the values of a setting stand on its axis, from 0 at the bottom to 1."""

    def __init__(self, found: SweepResults, name: str) -> None:
        self.name = name
        dimension = next((each for each in found.sweep.dimensions if each.address == name), None)
        trials: Sequence[TrialRow | GivenUp] = [*found.rows, *found.pruned]
        values = [trial.params[name] for trial in trials if name in trial.params]
        self.of_log = isinstance(dimension, Drawn) and dimension.range.log
        self.order: list[Label] = []
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        if dimension is not None and not isinstance(dimension, Drawn):
            self.order = [option.label for option in dimension.options]
        self.low, self.high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(height, words) of what is written beside the axis."""
        if self.order:
            shown = self.order[:_MOST_LABELS]
            return [(self.height({self.name: label}), value_in_words(label)) for label in shown]
        return [(self.height({self.name: value}), value_in_words(value)) for value in sorted({self.low, self.high})]

    def height(self, params: dict[str, Label]) -> float:
        """NaN where the setting was not drawn."""
        if self.name not in params:
            return math.nan
        value = params[self.name]
        if self.order:
            return _share(float(self.order.index(value)), 0.0, len(self.order) - 1.0)
        number = float(value) if isinstance(value, int | float) else math.nan
        if self.of_log:
            return _share(math.log(number), math.log(self.low), math.log(self.high))
        return _share(number, self.low, self.high)


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _draw_axis(axes: Axes, place: int, ticks: Sequence[tuple[float, str]]) -> None:
    axes.plot([place, place], [0, 1], color="#27313f", linewidth=0.8, zorder=0)
    for height, words in ticks:
        axes.text(
            place + 0.04, height, words, fontsize=7, va="center", bbox={"color": "white", "alpha": 0.7, "pad": 0.6}
        )


def _pruned_table(found: SweepResults) -> str:
    names = setting_names(found)
    rows = [
        (
            str(each.number),
            str(each.steps),
            f"{each.last_value:.4f}",
            *(value_in_words(each.params[name]) if name in each.params else "" for name in names),
        )
        for each in sorted(found.pruned, key=lambda each: -each.last_value)
    ]
    return table(("trial", "epochs", "macro F1 of the choosing people", *names), rows)


def _rendered(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    # Without a date and with fixed ids, so that the same sweep gives the same file.
    with rc_context({"svg.hashsalt": "maskwise"}):
        figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()
