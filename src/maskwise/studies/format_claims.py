"""The tested claims as tables, for a terminal and for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from maskwise.evaluation.format_comparison import signed
from maskwise.studies.claim_arms import CLAIMS, PairedTest, Says
from maskwise.studies.judge_claims import MARGIN
from maskwise.studies.run_claims import ClaimResult, ClaimsScores, JudgedTest
from maskwise.text_table import ABSENT, duration, fitted, number, wrapped


@dataclass(frozen=True)
class TitledTable:
    """A table under its title; the first row is the head."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    left: tuple[int, ...]
    """Columns that are flush left; the others hold numbers."""


def format_claims(scores: ClaimsScores, width: int) -> str:
    """Outcomes, other scores, what a reader must know, within ``width`` columns. Ends without a line break."""
    lines = wrapped([claims_heading(scores)], width)
    for block in blocks(scores):
        lines += ["", block.title, *fitted(block.rows, width, left=block.left, keep=2)]
    lines += ["", *wrapped((f"{result.claim.number}: {result.claim.words}" for result in scores.results), width)]
    return "\n".join([*lines, "", *wrapped(claim_cautions(scores), width)])


def markdown_claims(scores: ClaimsScores, changed: Sequence[str]) -> str:
    """The same as a page in Markdown; ``changed`` is what the recipes were changed by. Ends with a line break."""
    lines = [
        "# The write-up's claims, tested",
        "",
        claims_heading(scores) + ".",
        "",
        *(f"- {line}" for line in changed),
        "",
    ]
    lines += [f"- {result.claim.number}: {result.claim.words}" for result in scores.results]
    for block in blocks(scores):
        lines += ["", f"## {block.title.capitalize()}", "", *_markdown_table(block)]
    return "\n".join([*lines, "", *(f"- {line}" for line in claim_cautions(scores)), ""])


def claims_heading(scores: ClaimsScores) -> str:
    """What was scored, and what the brackets mean."""
    on_features, tuned = scores.n_seeds
    words = [f"heads on cached features with {_count(on_features)}"] if on_features else []
    words += [f"fine-tuning with {_count(tuned)}"] if tuned else []
    return (
        f"the source write-up's claims on {scores.n_photos:,} held-out photos of {scores.n_people:,} people of "
        f"{scores.data_name}, {' and '.join(words)}; a gain is the score of b less that of a, [low, high] its 95 % "
        "interval over people and seeds"
    )


def _count(seeds: int) -> str:
    return f"{seeds} seed{'s' * (seeds > 1)}"


def blocks(scores: ClaimsScores) -> Iterator[TitledTable]:
    """The tables: outcomes, other scores, and those that only some claims have."""
    yield TitledTable("outcomes", tuple(_outcome_rows(scores)), left=(0, 1, 4, 6))
    yield TitledTable(
        "other scores of the same runs (gains)", tuple(_other_rows(scores.results)), left=(0, 1, 2, 3, 4, 5)
    )
    if any(result.agreements for result in scores.results):
        yield TitledTable("predictions photo by photo", tuple(_agreement_rows(scores.results)), left=(0, 1))
    if any(result.fits for result in scores.results):
        yield TitledTable("training people against held-out people", tuple(_fit_rows(scores.results)), left=(0, 1))


def claim_cautions(scores: ClaimsScores) -> list[str]:
    """What a reader must know."""
    tests = [judged for result in scores.results for judged in result.tests]
    lines = [
        "b is better: holds where the whole interval lies above 0, does not hold where all of it lies below; worse is "
        "the mirror image",
        f"b is like a: holds where the whole interval lies within ± {MARGIN}, does not hold where all of it lies "
        f"outside; no better: holds where the whole interval lies below {MARGIN}, does not hold where all lies above",
        "inconclusive: more people or more seeds are needed, see the interval; could not be tested: both arms decided "
        "every photo alike",
        *_many(tests),
        "unequal work: one arm takes more steps, so nothing is concluded; the row above it has as many steps in both",
        "age and gender are the attribute's own macro F1, scored as if it alone were predicted",
        f"time is that of the trainings, {duration(scores.seconds)} in all; it is only to be compared where nothing "
        "else ran on the machine",
    ]
    if 1 in scores.n_seeds:
        lines.append("one seed: the intervals say nothing of other seeds")
    lines += [_what_is_known(judged) for judged in tests if judged.test.says == "alike"]
    if any(result.fits for result in scores.results):
        lines.append(
            "the training loss is the mean over the last epoch as photos were sampled and augmented, with dropout; "
            "where a sampler changes the class shares the two losses are of different mixtures"
        )
    reasons = dict.fromkeys((each.claim.number, each.reason) for each in scores.untestable)
    return [*lines, *(f"claim {number} is not testable on this set: {reason}" for number, reason in reasons)]


def _many(tests: Sequence[JudgedTest]) -> list[str]:
    """How far many tests, and tests with a common arm, are to be believed."""
    concluding = [judged for judged in tests if not judged.test.unequal_work]
    if len(concluding) < 2:
        return []
    before = sum(judged.outcome in _DECIDED for judged in concluding)
    after = sum(judged.corrected in _DECIDED for judged in concluding)
    arm, count = Counter(judged.test.a.words for judged in concluding).most_common(1)[0]
    return [
        f"of {len(concluding)} intervals one in twenty misses by chance; {before} say something, and {after} of them "
        "still do after Holm's correction for all; the others are inconclusive, with what they say alone in brackets",
        *(
            [f"{count} tests share the runs of {arm}: what is peculiar to those runs moves all of them"]
            if count > 1
            else []
        ),
    ]


def _what_is_known(judged: JudgedTest) -> str:
    gain = judged.deciding.gain
    return (
        f"{judged.test.b.words} against {judged.test.a.words}: between {gain.low:+.3f} and {gain.high:+.3f}; nothing "
        "smaller can be excluded here"
    )


_DECIDED = ("holds", "does not hold")


def statement(test: PairedTest) -> str:
    """What is tested, in words: ``ArcFace is better than plain``."""
    against = "plain for as many steps" if test.a.steps_of == test.b else test.a.words
    score_of = "" if test.score_of == "joint" else f", by {test.score_of}"
    return f"{test.b.words} {_verb(test.says)} {against}{score_of}"


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


def _outcome_rows(scores: ClaimsScores) -> Iterator[tuple[str, ...]]:
    yield "claim", "b against a", "F1 of a", "of b", "gain", "p (Holm)", "outcome"
    tested = {result.claim.number: result for result in scores.results}
    untested = {each.claim.number for each in scores.untestable}
    for claim in (claim.number for claim in CLAIMS if claim.number in {*tested, *untested}):
        rows = [_outcome_cells(judged) for judged in (tested[claim].tests if claim in tested else ())]
        if left_out := sum(each.claim.number == claim for each in scores.untestable):
            tests = f"{left_out} test{'s' * (left_out > 1)}"
            rows.append((tests, *([ABSENT] * 4), "not testable on this set"))
        for position, cells in enumerate(rows):
            yield "" if position else claim, *cells


def _outcome_cells(judged: JudgedTest) -> tuple[str, ...]:
    deciding, test = judged.deciding, judged.test
    scored = (number(deciding.a), number(deciding.b), signed(deciding.gain))
    if test.unequal_work:
        return statement(test), *scored, "", "unequal work"
    alone = "" if judged.corrected == judged.outcome else f" (alone: {judged.outcome})"
    return statement(test), *scored, f"{judged.p_holm:.3f}", judged.corrected + alone


def _other_rows(results: Sequence[ClaimResult]) -> Iterator[tuple[str, ...]]:
    yield "claim", "b – a", "accuracy", "macro F1", "gender F1", "age F1", "time a", "time b", "b : a"
    for result in results:
        # A claim may test one pair of arms twice.
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


def _markdown_table(block: TitledTable) -> list[str]:
    head, *rows = block.rows
    rule = [":--" if column in block.left else "--:" for column in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
