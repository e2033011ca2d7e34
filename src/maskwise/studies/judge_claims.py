"""From the difference of two arms to the outcome: does what is said of them hold? Also for many at once. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, assert_never

from scipy.stats import norm

from maskwise.evaluation.comparison import Verdict
from maskwise.score import Score
from maskwise.studies.claim_arms import Says

MARGIN = 0.02
"""Differences of macro F1 up to here count as none, where a claim says that two arms are alike or one is no better."""
Outcome = Verdict | Literal["could not be tested"]
LEVEL = 0.05
_HALF_WIDTH = 1.959964
"""Of a 95 % interval, in standard errors."""


def judge(gain: Score, says: Says) -> Outcome:
    """Whether ``says`` holds for arm b, whose macro F1 is higher by ``gain``, as far as the 95 % interval goes.

    - better: the whole interval lies above 0; not so where all of it lies below.
    - worse: the mirror image.
    - alike: the whole interval lies within ± ``MARGIN``; not so where all of it lies outside, on one side.
    - no better: the whole interval lies below ``MARGIN``; not so where all of it lies above.

    A gain of 0 without any width is that of an arm that decided everything as the other did: it could not be tested.
    Everything else, and a gain without an interval, is inconclusive.
    """
    if (gain.value, gain.low, gain.high) == (0, 0, 0):
        return "could not be tested"
    holds, refuted = p_values(gain, says)
    if min(holds, refuted) >= LEVEL:
        return "inconclusive"
    return "holds" if holds < refuted else "does not hold"


def p_values(gain: Score, says: Says) -> tuple[float, float]:
    """(p of "it holds", p of "it does not hold"): below 0.05 just where the 95 % interval leaves the other out.

    Two-sided, by a normal tail as wide as the interval on the side in question; 1 without an interval.
    """
    if math.isnan(gain.low):
        return 1.0, 1.0
    match says:
        case "better":
            return _p_above(gain, 0.0), _p_below(gain, 0.0)
        case "worse":
            return _p_below(gain, 0.0), _p_above(gain, 0.0)
        case "alike":
            within = max(_p_above(gain, -MARGIN), _p_below(gain, MARGIN))
            return within, min(_p_above(gain, MARGIN), _p_below(gain, -MARGIN))
        case "no better":
            return _p_below(gain, MARGIN), _p_above(gain, MARGIN)
        case _:
            assert_never(says)


def deciding_p(gain: Score, says: Says) -> float:
    """The p-value of the outcome, whichever it is."""
    return min(p_values(gain, says))


def holm(p_T: Sequence[float]) -> list[float]:
    """Each p-value corrected for all of them, however they depend on each other.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6 (1979) 65–70.
    """
    corrected, floor = [1.0] * len(p_T), 0.0
    for rank, place in enumerate(sorted(range(len(p_T)), key=lambda place: p_T[place])):
        floor = max(floor, min(1.0, (len(p_T) - rank) * p_T[place]))
        corrected[place] = floor
    return corrected


def corrected(outcome: Outcome, p_corrected: float) -> Outcome:
    """The outcome that is left after the correction."""
    decided = outcome in ("holds", "does not hold")
    return "inconclusive" if decided and p_corrected >= LEVEL else outcome


def _p_above(gain: Score, border: float) -> float:
    return _tail(gain.value - border, gain.value - gain.low)


def _p_below(gain: Score, border: float) -> float:
    return _tail(border - gain.value, gain.high - gain.value)


def _tail(distance: float, half_width: float) -> float:
    if distance <= 0:
        return 1.0
    return 0.0 if half_width <= 0 else float(2 * norm.sf(distance * _HALF_WIDTH / half_width))
