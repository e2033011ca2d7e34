"""The tested claims as tables, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from maskwise.evaluation.format_comparison import signed
from maskwise.studies.claim_arms import PairedTest, Says
from maskwise.studies.judge_claims import MARGIN
from maskwise.studies.run_claims import ClaimResult, ClaimsScores, JudgedTest
from maskwise.text_table import ABSENT, aligned, duration, number


@dataclass(frozen=True)
class Block:
    """A table under its title; the first row is the head."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    left: tuple[int, ...]
    """Columns that are flush left; the others hold numbers."""


def format_claims(scores: ClaimsScores) -> str:
    """Answers, other readings, what a reader must know, as plain text. Ends without a line break."""
    lines = [heading(scores)]
    for block in blocks(scores):
        lines += ["", block.title, *aligned(block.rows, left=block.left)]
    lines += ["", *(f"{result.claim.number}: {result.claim.words}" for result in scores.results)]
    return "\n".join([*lines, "", *cautions(scores)])


def markdown_claims(scores: ClaimsScores, changed: Sequence[str]) -> str:
    """The same as a page in Markdown; ``changed`` is what the recipes were changed by. Ends with a line break."""
    lines = ["# The write-up's claims, tested", "", heading(scores) + ".", "", *(f"- {line}" for line in changed), ""]
    lines += [f"- {result.claim.number}: {result.claim.words}" for result in scores.results]
    for block in blocks(scores):
        lines += ["", f"## {block.title.capitalize()}", "", *_markdown_table(block)]
    return "\n".join([*lines, "", *(f"- {line}" for line in cautions(scores)), ""])


def heading(scores: ClaimsScores) -> str:
    """What was scored, and what the brackets mean."""
    seeds = f" and {scores.n_seeds} seeds" if scores.n_seeds > 1 else ""
    return (
        f"the source write-up's claims on {scores.n_photos:,} held-out photos of {scores.n_people:,} people of "
        f"{scores.data_name}; a gain is the score of b less that of a, [low, high] its 95 % interval over people{seeds}"
    )


def blocks(scores: ClaimsScores) -> Iterator[Block]:
    """The tables: answers, other readings, and those that only some claims have."""
    yield Block("answers", tuple(_answer_rows(scores.results)), left=(0, 1, 2, 5, 6))
    yield Block("other readings of the same runs (gains)", tuple(_other_rows(scores.results)), left=(0, 1, 2, 3, 4, 5))
    if any(result.agreements for result in scores.results):
        yield Block("answers photo by photo", tuple(_agreement_rows(scores.results)), left=(0, 1))
    if any(result.fits for result in scores.results):
        yield Block("training people against held-out people", tuple(_fit_rows(scores.results)), left=(0, 1))


def cautions(scores: ClaimsScores) -> list[str]:
    """What a reader must know."""
    lines = [
        "b is better: holds where the whole interval lies above 0, does not hold where none of it does; worse is the "
        "mirror image",
        f"b is like a: holds where the whole interval lies within ± {MARGIN}, does not hold where all of it lies "
        f"outside; no better: holds where nothing of it lies above + {MARGIN}, does not hold where all of it does",
        "inconclusive: more people or more seeds are needed, see the interval",
        "age and gender are the attribute's own macro F1, a reading as if it alone were asked for",
        f"time is that of the trainings, {duration(scores.seconds)} in all; it is only to be compared where nothing "
        "else ran on the machine",
    ]
    if scores.n_seeds == 1:
        lines.append("one seed: the intervals say nothing of other seeds")
    if any(result.fits for result in scores.results):
        lines.append(
            "the training loss is the mean over the last epoch as photos were drawn and augmented, with dropout; "
            "where a sampler changes the class shares the two losses are of different mixtures"
        )
    n_tests = sum(len(result.tests) for result in scores.results)
    if n_tests > 1:
        lines.append(f"of {n_tests} intervals some miss by chance: one in twenty")
    return lines


def statement(test: PairedTest) -> str:
    """What is tested, in words: ``ArcFace is better than plain``."""
    return f"{test.b.words} {_verb(test.says)} {test.a.words}"


def _verb(says: Says) -> str:
    match says:
        case "better":
            return "is better than"
        case "worse":
            return "is worse than"
        case "alike":
            return f"is within ± {MARGIN} of"
        case "no better":
            return f"is not better by {MARGIN} than"
        case _:
            assert_never(says)


def _answer_rows(results: Sequence[ClaimResult]) -> Iterator[tuple[str, ...]]:
    yield "claim", "b against a", "macro F1 of", "a", "b", "gain", "answer"
    for result in results:
        for position, judged in enumerate(result.tests):
            deciding = judged.deciding
            yield (
                "" if position else result.claim.number,
                statement(judged.test),
                "joint class" if judged.test.reading == "joint" else judged.test.reading,
                number(deciding.a),
                number(deciding.b),
                signed(deciding.gain),
                judged.answer,
            )


def _other_rows(results: Sequence[ClaimResult]) -> Iterator[tuple[str, ...]]:
    yield "claim", "b – a", "accuracy", "macro F1", "gender F1", "age F1", "time a", "time b", "b : a"
    for result in results:
        # A claim may ask two things of one pair of arms.
        of_pair = {(judged.test.a, judged.test.b): judged for judged in result.tests}
        for position, judged in enumerate(of_pair.values()):
            yield "" if position else result.claim.number, *_other_cells(judged)


def _other_cells(judged: JudgedTest) -> tuple[str, ...]:
    comparison, (seconds_a, seconds_b) = judged.comparison, judged.seconds
    attributes = [comparison.per_attribute.get(name) for name in _ATTRIBUTES]
    return (
        f"{judged.test.b.words} – {judged.test.a.words}",
        signed(comparison.joint.accuracy.gain),
        signed(comparison.joint.macro_f1.gain),
        *(ABSENT if reading is None else signed(reading.macro_f1.gain) for reading in attributes),
        duration(seconds_a),
        duration(seconds_b),
        f"{seconds_b / seconds_a:.2f}" if seconds_a else ABSENT,
    )


_ATTRIBUTES = ("gender", "age")


def _agreement_rows(results: Sequence[ClaimResult]) -> Iterator[tuple[str, ...]]:
    yield "claim", "runs", "equal decisions", "median change", "largest change"
    for result in results:
        for line in result.agreements:
            changes = (f"{line.median_change:.5f}", f"{line.largest_change:.5f}")
            yield result.claim.number, line.what, f"{line.equal_decisions:.2%}", *changes


def _fit_rows(results: Sequence[ClaimResult]) -> Iterator[tuple[str, ...]]:
    yield "claim", "arm", "training loss", "held-out loss", "gap"
    for result in results:
        for line in result.fits:
            losses = (line.training_loss, line.held_out_loss, line.held_out_loss - line.training_loss)
            yield result.claim.number, line.arm.words, *(number(loss) for loss in losses)


def _markdown_table(block: Block) -> list[str]:
    head, *rows = block.rows
    rule = [":--" if column in block.left else "--:" for column in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
