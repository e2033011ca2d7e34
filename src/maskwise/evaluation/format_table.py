"""An evaluation as plain text for terminals and logs."""

from __future__ import annotations

from maskwise.evaluation.scores import Evaluation
from maskwise.text_table import LINE_WIDTH, aligned, fitted, number, score, wrapped

OPTIMISTIC_SCORES = "optimistic: the checkpoint was chosen on the scored people, so these scores are too high"


def format_table(evaluation: Evaluation, *, classes: bool = False) -> str:
    """The headline scores and what a reader must know to trust them; with ``classes`` a line per joint class before.

    Ends without a line break.
    """
    rows = [*_classes(evaluation), ""] if classes else []
    return "\n".join([*rows, *wrapped([_heading(evaluation)]), "", *_headline(evaluation), *_cautions(evaluation)])


def _heading(evaluation: Evaluation) -> str:
    photos = f"{evaluation.n_photos:,} photos"
    if evaluation.n_people == evaluation.n_photos:
        return f"{photos}, each counted as its own person; [low, high] is the 95 % interval over photos"
    return f"{photos} of {evaluation.n_people:,} people; [low, high] is the 95 % interval over people"


def _headline(evaluation: Evaluation) -> list[str]:
    rows = [("", "macro F1", "accuracy")]
    for name, scores in {"joint class": evaluation.joint, **evaluation.per_attribute}.items():
        rows.append((name, score(scores.macro_f1), score(scores.accuracy)))
    return [*aligned(rows, left=(0, 1, 2)), f"log loss of the joint class: {number(evaluation.log_loss)}"]


def _classes(evaluation: Evaluation) -> list[str]:
    rows = [("class", "", "photos", "people", "precision", "recall", "F1")]
    for code, row in enumerate(evaluation.per_class):
        counts = (f"{row.photos:,}", f"{row.people:,}")
        rows.append((str(code), row.name, *counts, number(row.precision), number(row.recall), score(row.f1)))
    return fitted(rows, LINE_WIDTH, left=(1, 6), keep=2)


def _cautions(evaluation: Evaluation) -> list[str]:
    lines = []
    if evaluation.n_people == evaluation.n_photos:
        lines.append("intervals are by photo: where a person has several photos they are too narrow")
    if evaluation.n_people < 2:
        lines.append("no intervals: they need at least two people")
    if evaluation.n_trained_on:
        lines.append(
            f"{evaluation.n_trained_on:,} of these photos were trained on: scores over them say nothing of new people"
        )
    if evaluation.optimistic:
        lines.append(OPTIMISTIC_SCORES)
    return ["", *wrapped(lines)] if lines else []
