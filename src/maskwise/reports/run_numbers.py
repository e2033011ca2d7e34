"""A run's report: scores, classes, confusion, learning curves, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from maskwise.evaluation.metrics import confusion
from maskwise.evaluation.reliability import Calibration
from maskwise.evaluation.scores import ClassScore, Evaluation
from maskwise.labels import Task
from maskwise.records import Ints, Predictions
from maskwise.reports.forest import ForestRow, forest, words_of
from maskwise.reports.line_charts import Line, charts, epochs_chart, reliability_chart
from maskwise.reports.page import paragraph, side_by_side, table
from maskwise.reports.training_curves import TrainingCurve
from maskwise.score import Score
from maskwise.text_table import number, score

_LARGEST = 10
_NEARLY = 0.05
"""Temperatures this near to 1 change next to nothing."""

STYLE = """<style>
.scored td, .scored th { padding: 0.3em 0.5em; } .scored small { font-size: 0.78em; color: var(--faint); }
.scored th:first-child, .confusion th:first-child { text-align: left; padding-left: 0; }
.track { display: block; position: relative; height: 0.55em; min-width: 6.5rem; margin-top: 0.15em;
  border-bottom: 1px solid var(--line); }
.track i { position: absolute; top: 0.1em; height: 0.35em; background: rgb(var(--soft) / 45%); border-radius: 2px; }
.track b { position: absolute; top: -0.05em; width: 3px; height: 0.65em; background: var(--fill); }
.confusion td { text-align: center; padding: 0.25em 0.4em; min-width: 1.6em; font-size: 0.88rem;
  background: rgb(var(--soft) / calc(var(--much, 0) * 0.5)); }
@media (prefers-color-scheme: dark) {
  .confusion td { background: rgb(var(--soft) / calc(var(--much, 0) * 0.38)); } }
.confusion td.none { color: var(--faint); background: none; }
.confusion td.hit { outline: 1px solid var(--faint); outline-offset: -2px; }
.confusion thead th { text-align: center; padding: 0.25em 0.4em; } .confusion th { font-weight: normal; }
.confusion.few td { min-width: 3.4em; } .row > * { max-width: 100%; min-width: 0; }
details.more { margin: 0.5em 0; } details.more > summary { color: var(--faint); font-size: 0.92rem; }
.largest :is(td, th) { white-space: normal; } .largest table { width: 100%; }
@media (min-width: 40rem) { .largest { display: none; } }
@media (max-width: 40rem) { .whole { display: none; } }
@media (max-width: 30rem) {
  .confusion tbody th { white-space: normal; min-width: 6.8rem; font-size: 0.85rem; } }
@media print { .scored td, .scored th, .confusion td, .confusion th { padding: 0.2em 0.25em; }
  .track { min-width: 4.5rem; }
  .track i, .track b, .confusion td { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>"""


def scores(evaluation: Evaluation) -> list[str]:
    """Macro F1 and accuracy of the joint class and of every attribute, on one axis."""
    scored = [("joint class", evaluation.joint), *evaluation.per_attribute.items()]
    rows = [ForestRow("macro F1", None), *(ForestRow(name, found.macro_f1) for name, found in scored)]
    rows += [ForestRow("accuracy", None), *(ForestRow(name, found.accuracy) for name, found in scored)]
    return [
        forest(rows),
        paragraph(
            f"{evaluation.n_photos:,} photos of {evaluation.n_people:,} people. 95 % intervals by resampling people "
            f"{evaluation.resamples:,} times, each with all of their photos. Log loss of the joint class: "
            f"{number(evaluation.log_loss)} nats per photo."
        ),
    ]


def classes(evaluation: Evaluation) -> list[str]:
    """F1 of each joint class with its counts."""
    rows: list[list[str | ScoredTable]] = [
        [row.name, ScoredTable(row.f1, row.people), number(row.precision), number(row.recall), *_counts(row)]
        for row in evaluation.per_class
    ]
    return [
        scored_table(["joint class", "F1", "precision", "recall", "photos", "people"], rows),
        paragraph("A class of few people has a wide interval: macro F1 counts it as much as the largest one."),
    ]


def _counts(row: ClassScore) -> tuple[str, str]:
    return f"{row.photos:,}", f"{row.people:,}"


def attribute_confusions(predictions: Predictions, task: Task) -> str:
    """A small matrix for each attribute, beside each other where there is room."""
    truth = task.codes(predictions.class_N)
    small = []
    for attribute in task.attributes:
        names = task.classes(attribute)
        predicted_N = task.marginal(predictions.probs_NC, attribute).argmax(axis=1)
        counts_CC = confusion(truth[attribute], predicted_N, len(names))
        small.append(f"<div><h3>{escape(attribute)}</h3>{_matrix(counts_CC, names, names)}</div>")
    return side_by_side(*small)


def confusions(evaluation: Evaluation, task: Task) -> list[str]:
    """All joint classes, and the largest of the wrong cells as a list, which takes its place on a phone."""
    rows = [f"{code} {name}" for code, name in enumerate(task.class_names)]
    whole = _matrix(evaluation.confusion_CC, rows, [str(code) for code in range(len(rows))])
    head = ["labeled → predicted", "photos", "of the class"]
    return [
        paragraph(
            "Rows: what is labeled. Columns: what is predicted. Numbers are photos; the stronger the color, the "
            "larger the share of the row. Framed: predicted as labeled."
        ),
        f'<div class="whole">{whole}</div>',
        f'<div class="largest">{table(head, largest_confusions(evaluation.confusion_CC, task.class_names))}</div>',
    ]


def largest_confusions(counts_CC: Ints, names: Sequence[str]) -> list[list[str]]:
    """(labeled → what differs, photos, share of the class) of the ten largest, largest first."""
    wrong_CC = counts_CC - np.diag(np.diag(counts_CC))
    order = np.argsort(-wrong_CC, axis=None, kind="stable")[:_LARGEST]
    cells = [divmod(int(place), len(names)) for place in order]
    return [
        [
            f"{names[row]} → {_what_differs(names[row], names[column])}",
            f"{counts_CC[row, column]:,}",
            f"{counts_CC[row, column] / counts_CC[row].sum():.0%}",
        ]
        for row, column in cells
        if wrong_CC[row, column]
    ]


def _what_differs(labeled: str, predicted: str) -> str:
    pairs = zip(labeled.split(" · "), predicted.split(" · "), strict=True)
    return " · ".join(after for before, after in pairs if before != after)


def learning_charts(curves: Sequence[TrainingCurve]) -> str:
    """Training loss, and where there are validation people their macro F1; nothing without a log."""
    drawn = (
        [epochs_chart("training loss", [Line(each.name, each.loss_E, each.kept_epoch) for each in curves])]
        if curves
        else []
    )
    chosen = [Line(each.name, each.macro_f1_E, each.kept_epoch) for each in curves if each.macro_f1_E is not None]
    drawn += [epochs_chart("macro F1 of the validation people", chosen, 1.0)] if chosen else []
    return charts(*drawn) if drawn else ""


def learning(curves: Sequence[TrainingCurve]) -> list[str]:
    """Training loss of every fold, and the score by which the epoch was chosen, where one was."""
    if not curves:
        return [paragraph("No log of the training is there.")]
    chosen = any(each.macro_f1_E is not None for each in curves)
    note = "The ring marks the epoch whose weights were kept."
    note += " Macro F1 here is of the people who chose it, so it is no score." if chosen else ""
    head = ["", "epoch", "training loss", *(["macro F1, choosing"] if chosen else [])]
    rows = [
        [
            each.name,
            str(epoch),
            number(loss),
            *([number(each.macro_f1_E[epoch - 1]) if each.macro_f1_E else ""] if chosen else []),
        ]
        for each in curves
        for epoch, loss in enumerate(each.loss_E, start=1)
    ]
    return [learning_charts(curves), paragraph(note), more("The curves as a table", table(head, rows))]


def confidence(found: Calibration) -> list[str]:
    """Reliability diagrams, and the calibration error before and after a temperature."""
    after = {each.name: each for each in found.tempered}
    drawn = [reliability_chart(each.name, each.bins, each.error) for each in found.plain]
    parts = [
        paragraph(
            "Each point: the photos whose prediction got about that probability. Above the dashed line it was not sure "
            "enough, below it too sure. The columns say how many photos there are. ECE is the mean distance to the "
            "line (15 bins; Guo et al. 2017, arXiv 1706.04599)."
        ),
        charts(*drawn),
    ]
    rows = [
        [each.name, number(each.error), number(after[each.name].error) if each.name in after else "–"]
        for each in found.plain
    ]
    parts.append(table(["", "ECE as it is", "ECE with a temperature"], rows))
    if found.temperature is not None:
        word = _word(found.temperature)
        parts.append(
            paragraph(
                f"Temperature {found.temperature:.2f}: over all photos the model was {word}. The right column is "
                "honest: everybody's temperature was fitted on other people. It is fitted to the joint class; an "
                "attribute may gain less, or lose."
            )
        )
    bins = [
        [each.name, f"{b.low:.2f} to {b.high:.2f}", f"{b.photos:,}", f"{b.confidence:.3f}", score(b.accuracy)]
        for each in found.plain
        for b in each.bins
    ]
    head = ["", "probability", "photos", "mean probability", "share that is right"]
    return [*parts, more("The diagrams as a table", table(head, bins))]


class ScoredTable(NamedTuple):
    """A cell of a table."""

    score: Score
    people: int


def scored_table(head: Sequence[str], rows: Sequence[Sequence[str | ScoredTable]]) -> str:
    """A table in which a score stands above its place on a line from 0 to 1."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' if cell else "<td></td>" for cell in head)
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(cell) if isinstance(cell, str) else _tracked(cell)}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table class="scored"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def more(words: str, *parts: str) -> str:
    """Parts behind a line that opens them."""
    return f'<details class="more"><summary>{escape(words)}</summary>{"".join(parts)}</details>'


def _word(temperature: float) -> str:
    if abs(temperature - 1) < _NEARLY:
        return "about as sure as it ought to be"
    return "too sure" if temperature > 1 else "not sure enough"


def _tracked(cell: ScoredTable) -> str:
    value, interval = words_of(cell.score, cell.people)
    if np.isnan(cell.score.value):
        return value
    bar = ""
    if interval.startswith("["):
        low, width = 100 * cell.score.low, 100 * (cell.score.high - cell.score.low)
        bar = f'<i style="left:{low:.1f}%;width:{width:.1f}%"></i>'
    return (
        f'{escape(value)} <small>{escape(interval)}</small><span class="track" aria-hidden="true">{bar}'
        f'<b style="left:{100 * min(cell.score.value, 0.98):.1f}%"></b></span>'
    )


def _matrix(counts_CC: Ints, row_names: Sequence[str], column_names: Sequence[str]) -> str:
    share_CC = 100 * counts_CC / np.maximum(counts_CC.sum(axis=1, keepdims=True), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in column_names)
    lines = []
    for row, name in enumerate(row_names):
        cells = "".join(_cell(int(counts_CC[row, k]), float(share_CC[row, k]), row == k) for k in range(len(share_CC)))
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    few = " few" if len(row_names) < 6 else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="confusion{few}"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(count: int, share: float, hit: bool) -> str:
    kinds = " ".join(filter(None, ["hit" if hit else "", "" if count else "none"]))
    return (
        f'<td class="{kinds}" style="--much:{share:.0f}%">{count:,}</td>'
        if count or hit
        else (f'<td class="{kinds}">·</td>')
    )
