"""Are more seeds needed to know which of two arms is better, and how many?

The mean gain of S pairs of runs on the same people is uncertain for two reasons. Who is scored moves all pairs alike,
and more seeds do not help against that: its variance ``people`` is the covariance of two pairs' gains over resamples
of people. And pairs differ from one another: their variance ``seeds``, estimated by that of the S gains, is divided by
their number. With n pairs the gain's variance is

    V(n) = people + seeds / n

and a gain of the size g is detected (95 % interval above 0, two-sided) in 80 of 100 repetitions if

    g ≥ (z(0.975) + z(0.8)) · √V(n) = 2.80 · √V(n),   so   n = seeds / ((g / 2.80)² - people).

If the last denominator is not above 0, no number of seeds is enough: more people are needed, by the factor ``people /
(g / 2.80)²`` at least, as ``people`` falls like 1 / their number. The formula of the sample size: J. Cohen,
Statistical Power Analysis for the Behavioral Sciences, 2nd ed. 1988, ch. 2; for seeds: C. Colas, O. Sigaud and P.-Y.
Oudeyer, "How many random seeds?", https://arxiv.org/abs/1806.08295; on both sources of variance: X. Bouthillier et
al., "Accounting for variance in machine learning benchmarks", MLSys 2021, https://arxiv.org/abs/2103.03098.

g is the gain that was seen, and two or three seeds estimate a variance within a factor of several: the number is an
order of magnitude. It is meant for planning the next runs, not as a test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maskwise.evaluation.metrics import macro_f1_of
from maskwise.evaluation.run_counts import count_runs, joint_decisions, units
from maskwise.evaluation.shared_photos import Arms
from maskwise.records import Floats

Z_INTERVAL, Z_POWER = 1.959964, 0.841621
"""Normal quantiles at 0.975 and 0.8."""
_DETECTABLE = Z_INTERVAL + Z_POWER


@dataclass(frozen=True)
class SeedsNeeded:
    """What it would take to detect a gain."""

    gain: float
    """Mean gain in macro F1 that is planned for: the one that was seen."""
    pairs: int
    """Pairs of runs that were compared."""
    people_variance: float
    """Of the gain, by who is scored; does not fall with seeds."""
    seeds_variance: float
    """Of one pair's gain, by seed; NaN for one pair."""
    pairs_needed: int | None
    """Pairs in all, those at hand included; None where no number is enough, or nothing is known of seeds."""
    people_factor: float
    """How many times as many people are needed, however many seeds; 1 or less: these people can be enough."""


def seeds_needed(two: Arms, rng: np.random.Generator, resamples: int = 1000) -> SeedsNeeded:
    """Plan for the gain in macro F1 of the second arm over the first, whose runs are paired."""
    counts = count_runs(joint_decisions(two.runs, two.task), units(two.runs[0]), int(rng.integers(2**63)), resamples)
    seen_M, resampled_RM = macro_f1_of(counts.whole_MCC), macro_f1_of(counts.resampled_RMCC)
    pairs = two.n_pairs
    return plan_seeds(seen_M[pairs:] - seen_M[:pairs], resampled_RM[:, pairs:] - resampled_RM[:, :pairs])


def plan_seeds(gain_S: Floats, resampled_RS: Floats) -> SeedsNeeded:
    """The formula above, from S pairs' gains and those of R resamples of people."""
    pairs = len(gain_S)
    gain = float(np.mean(gain_S))
    people, seeds = variances(gain_S, resampled_RS)
    allowed = (gain / _DETECTABLE) ** 2
    needed = None
    if not math.isnan(seeds) and allowed > people:
        needed = max(2, math.ceil(seeds / (allowed - people)))
    return SeedsNeeded(gain, pairs, people, seeds, needed, people / allowed if allowed else math.inf)


def variances(gain_S: Floats, resampled_RS: Floats) -> tuple[float, float]:
    """Of the gain by people and by seeds. One pair: its whole variance over people, and NaN."""
    if len(gain_S) == 1:
        return float(np.var(resampled_RS[:, 0], ddof=1)), math.nan
    covariance_SS = np.cov(resampled_RS, rowvar=False)
    off_diagonal = covariance_SS[~np.eye(len(gain_S), dtype=bool)]
    return max(0.0, float(off_diagonal.mean())), float(np.var(gain_S, ddof=1))


def describe_seeds(plan: SeedsNeeded) -> str:
    """One sentence for people."""
    seen = f"a gain of {abs(plan.gain):.3f}"
    if plan.gain == 0:
        return "more seeds: no gain was seen, so none can be planned for"
    if plan.people_factor >= 1:
        return (
            f"more seeds: no number of them detects {seen} on these people; "
            f"{plan.people_factor:.1f} times as many people would be needed at least"
        )
    if plan.pairs_needed is None:
        return f"more seeds: these people can detect {seen}; train 3 or more seeds a side to learn how many are needed"
    if plan.pairs_needed <= plan.pairs:
        return f"more seeds: {plan.pairs} a side are enough to detect {seen} 4 times in 5"
    return f"more seeds: about {plan.pairs_needed} a side (now {plan.pairs}) detect {seen} 4 times in 5"
