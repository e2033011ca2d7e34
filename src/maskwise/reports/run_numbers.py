"""A run's report: scores, classes, confusion, learning curves, sureness."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from maskwise.evaluation.metrics import confusion
from maskwise.evaluation.reliability import Calibration
from maskwise.evaluation.scores import Evaluation
from maskwise.labels import Task
from maskwise.records import Ints, Predictions
from maskwise.reports.charts import figures
from maskwise.reports.line_charts import Line, charts, epochs_chart, reliability_chart
from maskwise.reports.page import paragraph, side_by_side, table
from maskwise.reports.training_curves import TrainingCurve
from maskwise.score import Score
from maskwise.text_table import number, score

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
  background: rgb(var(--soft) / calc(var(--much, 0) * 0.6)); }
.confusion td.none { color: var(--faint); } .confusion td.hit { outline: 1px solid var(--faint); outline-offset: -2px; }
.confusion thead th { text-align: center; padding: 0.25em 0.4em; } .confusion th { font-weight: normal; }
.confusion.few td { min-width: 3.4em; } .row > * { max-width: 100%; min-width: 0; }
details > summary { cursor: pointer; }
details.more { margin: 0.5em 0; } details.more > summary { color: var(--faint); font-size: 0.92rem; }
@media (max-width: 30rem) {
  .confusion tbody th { white-space: normal; min-width: 6.8rem; font-size: 0.85rem; } }
@media print { .scored td, .scored th, .confusion td, .confusion th { padding: 0.2em 0.25em; }
  .track { min-width: 4.5rem; }
  .track i, .track b, .confusion td { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>"""


def headline(evaluation: Evaluation) -> str:
    """The few numbers that people ask for first."""
    return figures(
        [
            (number(evaluation.joint.macro_f1.value), "macro F1 of the joint classes"),
            (number(evaluation.joint.accuracy.value), "accuracy of the joint class"),
            *((number(found.accuracy.value), f"accuracy, {name}") for name, found in evaluation.per_attribute.items()),
            (f"{evaluation.n_people:,}", "people held out"),
            (f"{evaluation.n_photos:,}", "photos of them"),
        ]
    )


def scores(evaluation: Evaluation) -> list[str]:
    """Macro F1 and accuracy of every reading, with intervals."""
    rows = [("joint class", evaluation.joint), *evaluation.per_attribute.items()]
    return [
        scored_table(["", "macro F1", "accuracy"], [[name, found.macro_f1, found.accuracy] for name, found in rows]),
        paragraph(
            f"95 % intervals by resampling the {evaluation.n_people:,} people {evaluation.resamples:,} times, each "
            f"with all of their photos. Log loss of the joint class: {number(evaluation.log_loss)} nats a photo."
        ),
    ]


def classes(evaluation: Evaluation) -> list[str]:
    """F1 of each joint class with its counts."""
    rows: list[list[str | Score]] = [
        [row.name, f"{row.photos:,}", f"{row.people:,}", number(row.precision), number(row.recall), row.f1]
        for row in evaluation.per_class
    ]
    return [
        scored_table(["joint class", "photos", "people", "precision", "recall", "F1"], rows),
        paragraph("A class of few people has a wide interval: macro F1 counts it as much as the largest one."),
    ]


def confusions(predictions: Predictions, evaluation: Evaluation, task: Task) -> list[str]:
    """What is taken for what: each attribute by itself, then all joint classes."""
    truth = task.codes(predictions.class_N)
    small = []
    for attribute in task.attributes:
        names = task.classes(attribute)
        guessed_N = task.marginal(predictions.probs_NC, attribute).argmax(axis=1)
        counts_CC = confusion(truth[attribute], guessed_N, len(names))
        small.append(f"<div><h3>{escape(attribute)}</h3>{_confusion(counts_CC, names, names)}</div>")
    whole = evaluation.confusion_CC
    rows = [f"{code} {name}" for code, name in enumerate(task.class_names)]
    return [
        paragraph(
            "Rows: what is labelled. Columns: what it appears to be to the model. Numbers are photos; the darker, the "
            "larger the share of the row. Framed: read as labelled."
        ),
        side_by_side(*small),
        f"<h3>All {len(rows)} joint classes</h3>",
        _confusion(whole, rows, [str(code) for code in range(len(rows))]),
    ]


def learning(curves: Sequence[TrainingCurve]) -> list[str]:
    """Training loss of every fold, and the score by which the epoch was chosen, where one was."""
    if not curves:
        return [paragraph("No log of the training is there.")]
    drawn = [epochs_chart("training loss", [Line(each.name, each.loss_E, each.kept_epoch) for each in curves])]
    chosen = [(each, each.macro_f1_E) for each in curves if each.macro_f1_E is not None]
    if chosen:
        lines = [Line(each.name, values, each.kept_epoch) for each, values in chosen]
        drawn.append(epochs_chart("macro F1 of the people who choose", lines, 1.0))
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
    return [charts(*drawn), paragraph(note), more("The curves as a table", table(head, rows))]


def sureness(found: Calibration) -> list[str]:
    """Reliability diagrams, and the calibration error before and after a temperature."""
    after = {each.name: each for each in found.tempered}
    drawn = [reliability_chart(each.name, each.bins, each.error) for each in found.plain]
    parts = [
        paragraph(
            "Each point: the photos whose answer got about that probability. Above the dashed line it was not sure "
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


def scored_table(head: Sequence[str], rows: Sequence[Sequence[str | Score]]) -> str:
    """A table in which a score stands above its place on a line from 0 to 1."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
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


def _tracked(found: Score) -> str:
    if np.isnan(found.value):
        return number(found.value)
    low, high = (found.value, found.value) if np.isnan(found.low) else (found.low, found.high)
    value, _, interval = score(found).partition(" ")
    return (
        f'{escape(value)} <small>{escape(interval)}</small><span class="track" aria-hidden="true">'
        f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<b style="left:{100 * min(found.value, 0.98):.1f}%"></b></span>'
    )


def _confusion(counts_CC: Ints, row_names: Sequence[str], column_names: Sequence[str]) -> str:
    share_CC = 100 * counts_CC / np.maximum(counts_CC.sum(axis=1, keepdims=True), 1)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in column_names)
    lines = []
    for row, name in enumerate(row_names):
        cells = "".join(_cell(int(counts_CC[row, k]), float(share_CC[row, k]), row == k) for k in range(len(share_CC)))
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    few = " few" if len(row_names) < 6 else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="confusion{few}"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(count: int, share: float, hit: bool) -> str:
    kinds = " ".join(filter(None, ["hit" if hit else "", "" if count else "none"]))
    return (
        f'<td class="{kinds}" style="--much:{share:.0f}%">{count:,}</td>'
        if count or hit
        else (f'<td class="{kinds}">·</td>')
    )
