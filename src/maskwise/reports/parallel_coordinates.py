"""A sweep's runs as lines through their settings, as SVG: one axis a setting, the macro F1 on the last."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from maskwise.sweeps.dimensions import Drawn, Label
from maskwise.sweeps.format_sweep import setting_names, settings_in_words, value_in_words
from maskwise.sweeps.results import GivenUp, SweepResults, TrialRow

_STEP_PX, _LEFT_PX, _RIGHT_PX, _TOP_PX, _HEIGHT_PX = 150, 60, 70, 46, 320
_FLOOR_PX = _HEIGHT_PX - 16
_MOST_LABELS = 12
_SHADES = 5

STYLE = """<style>
:root { --shade-0: #6f8296; --shade-1: #4f86a8; --shade-2: #27808f; --shade-3: #12735c; --shade-4: #b4532a; }
@media (prefers-color-scheme: dark) { :root { --shade-0: #71808f; --shade-1: #6c9dbd; --shade-2: #5fb3c0;
  --shade-3: #6fcfa9; --shade-4: #f0956a; } }
.parallel text { font: 12px system-ui, sans-serif; fill: var(--ink, #27313f); }
.parallel .tick { paint-order: stroke; stroke: var(--paper, #fdfdfb); stroke-width: 4px; stroke-linejoin: round; }
.parallel .axis { stroke: var(--faint, #66717e); } .parallel .run { fill: none; stroke-width: 1.6; }
.parallel .run:hover { stroke-width: 4; } .parallel .s0 { stroke: var(--shade-0); }
.parallel .s1 { stroke: var(--shade-1); } .parallel .s2 { stroke: var(--shade-2); }
.parallel .s3 { stroke: var(--shade-3); stroke-width: 2; } .parallel .s4 { stroke: var(--shade-4); stroke-width: 3; }
.parallel .given-up { stroke: var(--faint, #66717e); stroke-dasharray: 3 4; opacity: 0.75; }
</style>"""


def parallel_coordinates(found: SweepResults) -> str:
    """Finished runs in the color of their score, the best on top; those given up dashed, without a score."""
    names = setting_names(found)
    scales = [scale_of(found, name) for name in names]
    values = [row.macro_f1.value for row in found.rows]
    scores = Scale("macro F1", low=min(values, default=0.0), high=max(values, default=1.0))
    trials: list[TrialRow | GivenUp] = [*found.pruned, *reversed(found.rows)]
    lines = "".join(_line(trial, scales, scores) for trial in trials)
    ends = [(share, f"{value:.3f}") for value, share in {scores.low: scores.of(scores.low), scores.high: 1.0}.items()]
    columns = [*((scale.name, scale.ticks()) for scale in scales), (scores.name, ends)]
    axes = "".join(_axis(place, name, ticks) for place, (name, ticks) in enumerate(columns))
    width = _LEFT_PX + _STEP_PX * len(names) + _RIGHT_PX
    words = f"{len(found.rows)} finished runs through {len(names)} settings; the numbers stand in the table of runs"
    return (
        f'<svg class="parallel" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT_PX}" role="img" '
        f'aria-label="{escape(words)}" style="min-width:{min(width, 640)}px;width:100%;max-width:{width}px">'
        f"{lines}{axes}</svg>"
    )


def alone(svg: str) -> str:
    """The picture as a file of its own, with its style inside."""
    opening, rest = svg.split(">", 1)
    return f"{opening}>{STYLE}{rest}\n"


class Scale(NamedTuple):
    """Where the values of a setting stand on its axis, from 0 at the bottom to 1."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    labels: tuple[Label, ...] = ()
    """All choices in their order, where the setting is a choice."""

    def of(self, value: Label) -> float:
        """NaN for what is no number of a range."""
        if self.labels:
            return _share(float(self.labels.index(value)), 0.0, len(self.labels) - 1.0)
        if not isinstance(value, int | float):
            return math.nan
        if self.log:
            return _share(math.log(value), math.log(self.low), math.log(self.high))
        return _share(float(value), self.low, self.high)

    def ticks(self) -> list[tuple[float, str]]:
        """(share, words) of what is written beside the axis."""
        shown: Sequence[Label] = self.labels[:_MOST_LABELS] or sorted({self.low, self.high})
        return [(self.of(value), value_in_words(value)) for value in shown]


def scale_of(found: SweepResults, name: str) -> Scale:
    """The scale of the setting ``name`` over all runs of the sweep."""
    dimension = next((each for each in found.sweep.dimensions if each.address == name), None)
    if dimension is not None and not isinstance(dimension, Drawn):
        return Scale(name, labels=tuple(option.label for option in dimension.options))
    trials: list[TrialRow | GivenUp] = [*found.rows, *found.pruned]
    values = [trial.params.get(name) for trial in trials]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    log = isinstance(dimension, Drawn) and dimension.range.log
    return Scale(name, min(numbers, default=0.0), max(numbers, default=1.0), log)


def _line(trial: TrialRow | GivenUp, scales: Sequence[Scale], scores: Scale) -> str:
    places = [_heights(trial.params, scale) for scale in scales]
    if isinstance(trial, TrialRow):
        share = scores.of(trial.macro_f1.value)
        places.append(share)
        style, end = f"s{min(int(share * _SHADES), _SHADES - 1)}", f"macro F1 {trial.macro_f1.value:.3f}"
    else:
        style, end = "given-up", f"given up after {trial.steps} epochs"
    # A setting that a run has not is passed by.
    points = [f"{_x(k)},{_y(share):.1f}" for k, share in enumerate(places) if not math.isnan(share)]
    words = escape(f"trial {trial.number}: {end}; {settings_in_words(trial.params)}")
    return f'<path class="run {style}" d="M{"L".join(points)}"><title>{words}</title></path>' if points else ""


def _heights(params: Mapping[str, Label], scale: Scale) -> float:
    return scale.of(params[scale.name]) if scale.name in params else math.nan


def _axis(place: int, name: str, ticks: Sequence[tuple[float, str]]) -> str:
    x = _x(place)
    group, _, last = name.rpartition(".")
    head = f'<text x="{x}" y="14" text-anchor="middle">{escape(group)}</text>' if group else ""
    head += f'<text x="{x}" y="29" text-anchor="middle" font-weight="600">{escape(last)}</text>'
    words = "".join(
        f'<text class="tick" x="{x + 6}" y="{_y(share) + 4:.1f}">{escape(written)}</text>' for share, written in ticks
    )
    return f'{head}<path class="axis" d="M{x},{_TOP_PX}V{_FLOOR_PX}"/>{words}'


def _x(place: int) -> int:
    return _LEFT_PX + _STEP_PX * place


def _y(share: float) -> float:
    return _FLOOR_PX - (_FLOOR_PX - _TOP_PX) * share


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5
