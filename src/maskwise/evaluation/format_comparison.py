"""A comparison as plain text for terminals and logs."""

from __future__ import annotations

import math

from maskwise.evaluation.comparison import Comparison, Difference, ReadingDifference, verdict
from maskwise.score import Score
from maskwise.text_table import ABSENT, aligned, number


def format_comparison(comparison: Comparison, name_a: str, name_b: str) -> str:
    """Readings, one line a joint class, the answer, and what a reader must know. Ends without a line break."""
    readings = {"joint class": comparison.joint, **comparison.per_attribute}
    blocks = [
        [_heading(comparison, name_a, name_b)],
        _readings(readings, name_a, name_b),
        _classes(comparison, name_a, name_b),
        [*_answer(comparison, name_a, name_b), *cautions(comparison, name_a, name_b)],
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


def _readings(readings: dict[str, ReadingDifference], name_a: str, name_b: str) -> list[str]:
    rows = [("", "score", name_a, name_b, "gain")]
    for name, reading in readings.items():
        rows.append((name, "macro F1", *_cells(reading.macro_f1)))
        rows.append(("", "accuracy", *_cells(reading.accuracy)))
    return aligned(rows, left=(0, 1, 4))


def _classes(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    rows = [("class", "", "photos", "people", f"F1 {name_a}", f"F1 {name_b}", "gain")]
    for code, row in enumerate(comparison.per_class):
        rows.append((str(code), row.name, f"{row.photos:,}", f"{row.people:,}", *_cells(row.f1)))
    lines = aligned(rows, left=(1, 6))
    if len(comparison.per_class) > 1:
        chance = f"of {len(comparison.per_class)} classes some leave 0 by chance: an interval misses one time in twenty"
        return [*lines, chance]
    return lines


def _cells(difference: Difference) -> tuple[str, str, str]:
    return number(difference.a), number(difference.b), signed(difference.gain)


def _answer(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    word = verdict(comparison.joint.macro_f1.gain)
    lines = [f"{name_b} has the higher macro F1 than {name_a} for new people: {word}"]
    if comparison.n_pairs > 1:
        lines.append(f"gain in macro F1 run by run: {', '.join(f'{gain:+.3f}' for gain in comparison.pair_gains)}")
    if comparison.mcnemar is not None:
        test = comparison.mcnemar
        p_value = "< 0.0001" if test.p_value < 1e-4 else f"= {test.p_value:.4f}"
        lines.append(
            f"only {name_a} reads {test.only_a:,} photos rightly, only {name_b} {test.only_b:,}: McNemar's exact test "
            f"p {p_value}" + (_CORRELATED if comparison.n_photos > comparison.n_people else "")
        )
    return lines


_CORRELATED = ", which is too small, as a person's photos are right or wrong together: trust the intervals"


def cautions(comparison: Comparison, name_a: str, name_b: str) -> list[str]:
    """What weakens the answer, one line each."""
    lines = []
    if comparison.n_pairs == 1:
        lines.append("one run each: the intervals say nothing of other seeds")
    if comparison.n_people == comparison.n_photos:
        lines.append("intervals are by photo: where a person has several photos they read too narrow")
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
            lines.append(f"optimistic: {name} chose its checkpoint on the scored people, so it reads too high")
    return lines
