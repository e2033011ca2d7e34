"""Several arms ranked, with intervals that hold for all pairs of them at once.

Of many comparisons some look large by chance. Here all differences between arms are judged together by the largest of
them: each resample of people (and of pairs of seeds, as in comparison.py) gives every pair's difference minus the one
that was seen, in units of that pair's standard error over resamples; the 95th percentile of the largest such value is
the factor c of simultaneous intervals ``difference ± c · standard error``, and a pair's adjusted p-value is the share
of resamples whose largest value reaches the pair's own. As the same people are resampled for all arms, the dependence
between the pairs is used, which makes this narrower than Bonferroni's or Holm's correction. The max-t method: P. H.
Westfall and S. S. Young, Resampling-Based Multiple Testing, Wiley 1993; J. P. Romano and M. Wolf, "Exact and
approximate stepdown methods for multiple hypothesis testing", J. Am. Stat. Assoc. 100 (2005) 94–108 (its single step
is what is done here, so that intervals and p-values say the same).

From the pairs follow sets of ranks that hold for all arms at once: an arm stands below as many as are certainly better,
and above as many as are certainly worse: M. Mogstad, J. P. Romano, A. M. Shaikh and D. Wilhelm, "Inference for ranks
with applications to mobility across neighbourhoods and academic achievement across countries", Rev. Econ. Stud. 91
(2024) 476–518.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskwise.errors import DataError, must
from maskwise.evaluation.metrics import macro_f1_of
from maskwise.evaluation.run_counts import count_runs, joint_decisions, units
from maskwise.evaluation.shared_photos import Arms
from maskwise.records import Floats
from maskwise.score import Score

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairGain:
    """Arm ``better`` against arm ``worse`` (positions as they were given)."""

    better: int
    worse: int
    gain: Score
    """In macro F1 of the joint class, at least 0, with its simultaneous 95 % interval."""
    p_value: float
    """Adjusted for all pairs."""


@dataclass(frozen=True)
class RankedArm:
    """One arm in the ranking."""

    arm: int
    """Its position as it was given."""
    macro_f1: float
    """Mean over its runs."""
    rank_low: int
    """The best rank that it may have: 1 more than the arms that are certainly better."""
    rank_high: int
    """The worst rank that it may have."""


@dataclass(frozen=True)
class Ranking:
    """All arms, best first, and all pairs of them."""

    n_photos: int
    n_people: int
    arms: tuple[RankedArm, ...]
    pairs: tuple[PairGain, ...]


def rank_arms(shared: Arms, rng: np.random.Generator, resamples: int = 2000) -> Ranking:
    """Rank arms by macro F1 of the joint class. ``DataError`` for fewer than two arms or people."""
    n_arms, n_pairs = len(shared.arms), shared.n_pairs
    if n_arms < 2:
        raise DataError(must("arms to rank", "two or more", n_arms, "Name another run."))
    person_N = units(shared.runs[0])
    n_people = len(set(person_N.tolist()))
    if n_people < 2:
        raise DataError("arms to rank must be scored on two or more people, got 1. Score them on more people.")
    people_seed = int(rng.integers(2**63))
    seen_M, resampled_MR = _scores(shared, people_seed, resamples)
    pair_RD = rng.integers(0, n_pairs, size=(resamples, max(1, n_pairs - 1)))
    seen_A = seen_M.reshape(n_arms, n_pairs).mean(axis=1)
    resampled_ASR = resampled_MR.reshape(n_arms, n_pairs, resamples)
    resampled_AR = np.stack([np.take_along_axis(arm_SR.T, pair_RD, axis=1).mean(axis=1) for arm_SR in resampled_ASR])
    pairs = compare_all(seen_A, resampled_AR)
    return Ranking(len(shared.runs[0]), n_people, rank_by_pairs(seen_A, pairs), pairs)


def compare_all(seen_A: Floats, resampled_AR: Floats) -> tuple[PairGain, ...]:
    """All pairs of A arms with simultaneous intervals, from their scores and those of R resamples.

    The largest gain stands first. An arm that always scores as another does gains 0 on it for certain (p = 1).
    """
    index_PA = np.array(list(itertools.combinations(range(len(seen_A)), 2)))
    one_P, two_P = index_PA[:, 0], index_PA[:, 1]
    gain_P = seen_A[one_P] - seen_A[two_P]
    resampled_PR = resampled_AR[one_P] - resampled_AR[two_P]
    error_P = resampled_PR.std(axis=1, ddof=1)
    moves_P = error_P > 0
    scale_P = np.where(moves_P, error_P, 1.0)
    deviation_PR = np.abs(resampled_PR - gain_P[:, None]) / scale_P[:, None]
    largest_R = np.where(moves_P[:, None], deviation_PR, 0.0).max(axis=0)
    factor = float(np.quantile(largest_R, CONFIDENCE))
    # One is added above and below the line, so that no p-value is 0: the data seen are a sample, too.
    reached_P = (largest_R[None, :] >= (np.abs(gain_P) / scale_P)[:, None]).sum(axis=1)
    p_P = np.where(moves_P, (reached_P + 1) / (len(largest_R) + 1), 1.0)
    pairs = [
        PairGain(
            *((one, two) if gain >= 0 else (two, one)),
            Score(abs(gain), abs(gain) - factor * error, abs(gain) + factor * error),
            p_value,
        )
        for one, two, gain, error, p_value in zip(
            one_P.tolist(), two_P.tolist(), gain_P.tolist(), error_P.tolist(), p_P.tolist(), strict=True
        )
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.gain.value, pair.better, pair.worse)))


def rank_by_pairs(seen_A: Floats, pairs: Sequence[PairGain]) -> tuple[RankedArm, ...]:
    """The arms, best first, with the ranks that the simultaneous intervals of ``pairs`` leave open."""
    certain = [pair for pair in pairs if pair.gain.low > 0]
    order = sorted(range(len(seen_A)), key=lambda arm: (-float(seen_A[arm]), arm))
    return tuple(
        RankedArm(
            arm,
            float(seen_A[arm]),
            1 + sum(pair.worse == arm for pair in certain),
            len(seen_A) - sum(pair.better == arm for pair in certain),
        )
        for arm in order
    )


def _scores(shared: Arms, people_seed: int, resamples: int) -> tuple[Floats, Floats]:
    """Macro F1 of each of M runs, and of each in R resamples, (M,) and (M, R); one run after the other, for memory."""
    person_N = units(shared.runs[0])
    seen, resampled = [], []
    for run in shared.runs:
        counts = count_runs(joint_decisions([run], shared.task), person_N, people_seed, resamples)
        seen.append(float(macro_f1_of(counts.whole_MCC)[0]))
        resampled.append(macro_f1_of(counts.resampled_RMCC)[:, 0])
    return np.array(seen), np.array(resampled)
