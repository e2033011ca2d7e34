"""Several arms against the first, and a ranking of all, as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.evaluation.comparison import Comparison, verdict
from maskwise.evaluation.format_comparison import comparison_cautions, signed
from maskwise.evaluation.ranking import Ranking
from maskwise.text_table import LINE_WIDTH, fitted, number, wrapped


def format_several(comparisons: Sequence[Comparison], names: Sequence[str]) -> str:
    """``names[0]`` is the arm that each comparison is against, in order. Ends without a line break."""
    first, others = comparisons[0], names[1:]
    runs = f", {first.n_pairs} runs each" if first.n_pairs > 1 else ""
    heading = (
        f"{len(others)} arms against {names[0]}{runs}: {first.n_photos:,} photos of {first.n_people:,} people; "
        f"a gain is an arm's score less that of {names[0]}, [low, high] its 95 % interval"
    )
    caution_lines = [
        line
        for comparison, name in zip(comparisons, others, strict=True)
        for line in comparison_cautions(comparison, names[0], name)
    ]
    blocks = [
        wrapped([heading]),
        _joint(comparisons, names),
        _attributes(comparisons, others),
        wrapped(
            [
                f"{len(others)} comparisons, whose intervals each miss one time in twenty: use --rank for all at once",
                *dict.fromkeys(caution_lines),
            ]
        ),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def format_ranking(ranking: Ranking, names: Sequence[str]) -> str:
    """All arms with the ranks that they may have, and all pairs. Ends without a line break."""
    arms: list[tuple[str, ...]] = [("rank", "may be", "", "macro F1")]
    for place, arm in enumerate(ranking.arms, start=1):
        open_ranks = str(arm.rank_low) if arm.rank_low == arm.rank_high else f"{arm.rank_low}–{arm.rank_high}"
        arms.append((str(place), open_ranks, names[arm.arm], number(arm.macro_f1)))
    pairs: list[tuple[str, ...]] = [("better", "worse", "gain in macro F1", "p")]
    for pair in ranking.pairs:
        p_value = "< 0.001" if pair.p_value < 1e-3 else f"{pair.p_value:.3f}"
        pairs.append((names[pair.better], names[pair.worse], signed(pair.gain), p_value))
    heading = (
        f"ranking on {ranking.n_photos:,} photos of {ranking.n_people:,} people; intervals, p-values and possible "
        "ranks hold for all pairs at once with 95 % (largest of all differences over the same resamples of people)"
    )
    lines = [
        *wrapped([heading]),
        "",
        *fitted(arms, LINE_WIDTH, left=(0, 1, 2)),
        "",
        *fitted(pairs, LINE_WIDTH, left=(0, 1, 2), keep=2),
    ]
    return "\n".join(lines)


def _joint(comparisons: Sequence[Comparison], names: Sequence[str]) -> list[str]:
    base = comparisons[0].joint
    rows: list[tuple[str, ...]] = [("arm", "macro F1", "gain", "higher?", "accuracy", "gain in accuracy")]
    rows.append((names[0], number(base.macro_f1.a), "", "", number(base.accuracy.a), ""))
    for comparison, name in zip(comparisons, names[1:], strict=True):
        macro_f1, accuracy = comparison.joint.macro_f1, comparison.joint.accuracy
        cells = (number(macro_f1.b), signed(macro_f1.gain), verdict(macro_f1.gain))
        rows.append((name, *cells, number(accuracy.b), signed(accuracy.gain)))
    return fitted(rows, LINE_WIDTH, left=(0, 2, 3, 5))


def _attributes(comparisons: Sequence[Comparison], names: Sequence[str]) -> list[str]:
    attributes = list(comparisons[0].per_attribute)
    rows: list[tuple[str, ...]] = [("gain in macro F1", *attributes)]
    for comparison, name in zip(comparisons, names, strict=True):
        rows.append((name, *(signed(comparison.per_attribute[each].macro_f1.gain) for each in attributes)))
    return fitted(rows, LINE_WIDTH, left=tuple(range(len(attributes) + 1)))
