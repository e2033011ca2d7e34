"""A comparison as plain text for terminals and logs."""

from __future__ import annotations

import math

from maskwise.evaluation.comparison import Comparison, Difference, TaskDifference, verdict
from maskwise.score import Score
from maskwise.text_table import ABSENT, LINE_WIDTH, aligned, fitted, number, shortened, text_width, wrapped


def format_comparison(comparison: Comparison, name_a: str, name_b: str, *, classes: bool = False) -> str:
    """Scores, the verdict, and what a reader must know; with ``classes`` a line per joint class before.

    Ends without a line break.
    """
    differences = {"joint class": comparison.joint, **comparison.per_attribute}
    blocks = [
        *([_classes(comparison, name_a, name_b)] if classes else []),
        wrapped([_heading(comparison, name_a, name_b)]),
        _scores(differences, name_a, name_b),
        wrapped([*_verdict(comparison, name_a, name_b), *comparison_cautions(comparison, name_a, name_b)]),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def signed(gain: Score, digits: int = 3) -> str:
    """``+0.021 [+0.004, +0.038]``; the value alone where there is no interval, "–" for NaN."""
    value, low, high = (ABSENT if math.isnan(x) else f"{x:+.{digits}f}" for x in (gain.value, gain.low, gain.high))
    return value if math.isnan(gain.low) else f"{value} [{low}, {high}]"


def _heading(comparison: Comparison, name_a: str, name_b: str) -> str:
    runs = f", {comparison.n_pairs} runs each" if comparison.n_pairs > 1 else ""
    return (
        f"{name_b} against {name_a}{runs}: {comparison.n_photos:,} photos of {comparison.n_people:,} people; "
        f"a gain is the score of {name_b} less that of {name_a}, [low, high] its 95 % interval over people"
        + (" and seeds" if comparison.n_pairs > 1 else "")
    )


def _scores(differences: dict[str, TaskDifference], name_a: str, name_b: str) -> list[str]:
    rows = [("", "score", *_short_names(name_a, name_b), "gain")]
    for name, difference in differences.items():
        rows.append((name, "macro F1", *_cells(difference.macro_f1)))
        rows.append(("", "accuracy", *_cells(difference.accuracy)))
    return aligned(rows, left=(0, 1, 4))


def _short_names(name_a: str, name_b: str) -> tuple[str, str]:
    """As they fit beside the scores and the gain within a line."""
    room = LINE_WIDTH - len("joint class  macro F1    +0.000 [+0.000, +0.000]  ")
    a, b = (max(text_width(name), len("0.000")) for name in (name_a, name_b))
    return shortened(name_a, max(room // 2, room - b)), shortened(name_b, max(room // 2, room - a))


def _classes(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    rows = [("class", "", "photos", "people", f"F1 {name_a}", f"F1 {name_b}", "gain")]
    for code, row in enumerate(comparison.per_class):
        rows.append((str(code), row.name, f"{row.photos:,}", f"{row.people:,}", *_cells(row.f1)))
    lines = fitted(rows, LINE_WIDTH, left=(1, 6), keep=2)
    if len(comparison.per_class) > 1:
        note = f"{len(comparison.per_class)} classes: some intervals exclude 0 by chance, one in twenty"
        return [*lines, note]
    return lines


def _cells(difference: Difference) -> tuple[str, str, str]:
    return number(difference.a), number(difference.b), signed(difference.gain)


def _verdict(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    word = verdict(comparison.joint.macro_f1.gain)
    lines = [f"{name_b} has the higher macro F1 than {name_a} for new people: {word}"]
    if comparison.n_pairs > 1:
        lines.append(f"gain in macro F1 run by run: {', '.join(f'{gain:+.3f}' for gain in comparison.pair_gains)}")
    if comparison.mcnemar is not None:
        test = comparison.mcnemar
        p_value = "< 0.0001" if test.p_value < 1e-4 else f"= {test.p_value:.4f}"
        lines.append(
            f"only {name_a} is right on {test.only_a:,} photos, only {name_b} on {test.only_b:,}: McNemar's exact test "
            f"p {p_value}" + (_CORRELATED if comparison.n_photos > comparison.n_people else "")
        )
    return lines


_CORRELATED = ", which is too small, as a person's photos are right or wrong together: trust the intervals"


def comparison_cautions(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    """What weakens the verdict, one line each."""
    lines = []
    if comparison.n_pairs == 1:
        lines.append("one run each: the intervals say nothing of other seeds")
    if comparison.n_people == comparison.n_photos:
        lines.append("intervals are by photo: where a person has several photos they are too narrow")
    if comparison.n_people < 2:
        lines.append("no intervals: they need at least two people")
    if comparison.n_left_out:
        lines.append(f"{comparison.n_left_out:,} photos are left out, as not all runs have predicted them")
    if comparison.n_trained_on:
        lines.append(
            f"{comparison.n_trained_on:,} of these photos were trained on: the gains say nothing of new people"
        )
    for name, optimistic in zip((name_a, name_b), comparison.optimistic, strict=True):
        if optimistic:
            lines.append(f"optimistic: {name} chose its checkpoint on the scored people, so its scores are too high")
    return lines
