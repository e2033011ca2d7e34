"""From the difference of two arms to the answer: does what is said of them hold? No torch."""

from __future__ import annotations

from typing import assert_never

from maskwise.evaluation.comparison import Verdict, verdict
from maskwise.score import Score
from maskwise.studies.claim_arms import Says

MARGIN = 0.02
"""Differences of macro F1 up to here count as none, where a claim says that two arms are alike or one is no better."""


def judge(gain: Score, says: Says) -> Verdict:
    """Whether ``says`` holds for arm b, whose macro F1 is higher by ``gain``, as far as the 95 % interval tells.

    - better: the whole interval lies above 0; not so where none of it does.
    - worse: the mirror image.
    - alike: the whole interval lies within ± ``MARGIN``; not so where all of it lies outside, on one side.
    - no better: no part of the interval lies above ``MARGIN``; not so where all of it does.

    Everything else, and a gain without an interval, cannot be told.
    """
    match says:
        case "better":
            return verdict(gain)
        case "worse":
            return verdict(negated(gain))
        case "alike":
            return _alike(gain)
        case "no better":
            # "No better" is that "better by more than the margin" does not hold.
            return _OPPOSITE[verdict(gain, at_least=MARGIN)]
        case _:
            assert_never(says)


def negated(gain: Score) -> Score:
    """The same difference, asked the other way round."""
    return Score(-gain.value, -gain.high, -gain.low)


def _alike(gain: Score) -> Verdict:
    if gain.low >= -MARGIN and gain.high <= MARGIN:
        return "holds"
    return "does not hold" if gain.low > MARGIN or gain.high < -MARGIN else "inconclusive"


_OPPOSITE: dict[Verdict, Verdict] = {
    "holds": "does not hold",
    "does not hold": "holds",
    "inconclusive": "inconclusive",
}
