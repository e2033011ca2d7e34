"""Is b better than a, for new people? Differences of scores on the same photos, with intervals by person.

Two scores with an interval each say little of their difference, as both move together with the people who happen to be
scored. So the difference itself is computed anew for every resample of people, with the same people for a and b: what
is hard for both cancels out. intervals.py says why people are resampled and not photos.

Several runs an arm (other seeds, else alike) are compared in pairs, the k-th of b with the k-th of a. A difference is
the mean over the S pairs, each run scored by its own confusion counts: counts summed over runs would score a run
that does not exist. A resample takes people, the same for all runs, and apart from that S - 1 of the S pairs, both with
replacement; so the interval is meant for new people and new seeds. People and seeds are crossed: A. B. Owen, "The
pigeonhole bootstrap", Ann. Appl. Stat. 1 (2007) 386–411, https://arxiv.org/abs/0712.1111. With S - 1 of them the
resampled mean has the variance s² / S of a mean over S seeds; with S it would be too small by (S - 1) / S: J. N. K.
Rao and C. F. J. Wu, "Resampling inference with complex survey data", J. Am. Stat. Assoc. 83 (1988) 231–241. One pair
says nothing of seeds, and two or three say little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from maskwise.evaluation.intervals import scored
from maskwise.evaluation.metrics import accuracy_of, f1_per_class, macro_f1_of
from maskwise.evaluation.run_counts import Decisions, RunCounts, attribute_decisions, count_runs, joint_decisions, units
from maskwise.evaluation.shared_photos import Arms, align_arms
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions, Strings
from maskwise.score import Score

Verdict = Literal["holds", "does not hold", "inconclusive"]


@dataclass(frozen=True)
class Difference:
    """One score of both arms (means over the runs of an arm)."""

    a: float
    b: float
    gain: Score
    """b - a with its 95 % interval: above 0 where b is better."""


@dataclass(frozen=True)
class TaskDifference:
    """Macro F1 and accuracy of the joint class or of one attribute."""

    macro_f1: Difference
    accuracy: Difference


@dataclass(frozen=True)
class ClassDifference:
    """F1 of one joint class; NaN where the class is neither true nor predicted."""

    name: str
    photos: int
    people: int
    """People who have such a photo."""
    f1: Difference


@dataclass(frozen=True)
class McNemar:
    """Photos that just one of two runs predicts rightly."""

    only_a: int
    only_b: int
    p_value: float
    """Chance of a split at least as uneven, if both were equally good and photos independent. The photos of a person
    are not, so it is too small where people have several: trust the interval."""


@dataclass(frozen=True)
class Comparison:
    """Arm a against arm b on the same photos; every gain is b - a."""

    n_photos: int
    n_people: int
    """Units that intervals resample; a photo without a person counts as its own."""
    n_left_out: int
    """Photos that some run has not predicted, and which are not compared therefore."""
    n_pairs: int
    """Runs in each arm."""
    resamples: int
    joint: TaskDifference
    per_attribute: dict[str, TaskDifference]
    per_class: tuple[ClassDifference, ...]
    pair_gains: tuple[float, ...]
    """Gain in macro F1 of the joint class, pair by pair."""
    mcnemar: McNemar | None
    """Of the joint class; None where an arm has several runs."""
    n_trained_on: int
    """Compared photos that some run was trained on: scores over these say nothing of new people."""
    optimistic: tuple[bool, bool]
    """Whether a checkpoint of arm a, and of arm b, was chosen on the scored people."""


def compare(a: Predictions, b: Predictions, task: Task, rng: np.random.Generator, resamples: int = 2000) -> Comparison:
    """Run b minus run a, with McNemar's test: ``compare_arms`` of one run each. Says nothing of other seeds."""
    return compare_arms(align_arms([[a], [b]], task), rng, resamples)


def compare_arms(two: Arms, rng: np.random.Generator, resamples: int = 2000) -> Comparison:
    """The second of two arms minus the first: of the joint class, each attribute, each joint class.

    The estimator stands above. An attribute is the most probable of its own classes, as in ``evaluate``.
    """
    arm_a, arm_b = two.arms
    runs, task, n_pairs = two.runs, two.task, two.n_pairs
    resampling = _resample(runs, rng, resamples)
    joint = joint_decisions(runs, task)
    counts = resampling.confusions(joint)
    f1_M = macro_f1_of(counts.whole_MCC)
    return Comparison(
        n_photos=len(runs[0]),
        n_people=resampling.n_people,
        n_left_out=two.n_left_out,
        n_pairs=n_pairs,
        resamples=resamples,
        joint=_task_difference(counts, resampling),
        per_attribute={
            name: _task_difference(resampling.confusions(decisions), resampling)
            for name, decisions in attribute_decisions(runs, task).items()
        },
        per_class=_class_differences(joint, counts, resampling, task),
        pair_gains=tuple((f1_M[n_pairs:] - f1_M[:n_pairs]).tolist()),
        mcnemar=mcnemar(*(joint.target_N == decided_N for decided_N in joint.decided_MN)) if n_pairs == 1 else None,
        n_trained_on=int(np.any([run.seen_N == "trained_on" for run in runs], axis=0).sum()),
        optimistic=(any(run.optimistic for run in arm_a), any(run.optimistic for run in arm_b)),
    )


def mcnemar(right_a_N: NDArray[np.bool_], right_b_N: NDArray[np.bool_]) -> McNemar:
    """McNemar's test in its exact form: of the photos that just one of two runs predicts rightly, half should be a's.

    The two-sided p-value is twice the binomial tail, at most 1. Q. McNemar, "Note on the sampling error of the
    difference between correlated proportions or percentages", Psychometrika 12 (1947) 153–157.
    """
    only_a, only_b = int(np.sum(right_a_N & ~right_b_N)), int(np.sum(right_b_N & ~right_a_N))
    tail = float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)) if only_a + only_b else 1.0
    return McNemar(only_a, only_b, min(1.0, 2 * tail))


def verdict(gain: Score, at_least: float = 0.0) -> Verdict:
    """Whether "b is better than a by more than ``at_least``" holds, by the 95 % interval of the gain.

    It holds where the whole interval lies above ``at_least``, does not hold where it reaches no higher than that, and
    is inconclusive otherwise, or without an interval.
    """
    if gain.low > at_least:
        return "holds"
    return "does not hold" if gain.high <= at_least else "inconclusive"


class _Resampling(NamedTuple):
    """What all scores share: the people, and the resamples of people and pairs."""

    person_N: Strings
    n_people: int
    people_seed: int
    resamples: int
    pair_RD: Ints

    def confusions(self, decisions: Decisions) -> RunCounts:
        """Confusion counts of ``decisions``; always over the same resamples of people."""
        return count_runs(decisions, self.person_N, self.people_seed, self.resamples)


def _resample(runs: Sequence[Predictions], rng: np.random.Generator, resamples: int) -> _Resampling:
    person_N = units(runs[0])
    n_pairs = len(runs) // 2
    people_seed = int(rng.integers(2**63))
    pair_RD = rng.integers(0, n_pairs, size=(resamples, max(1, n_pairs - 1)))
    return _Resampling(person_N, len(set(person_N.tolist())), people_seed, resamples, pair_RD)


def _task_difference(counts: RunCounts, resampling: _Resampling) -> TaskDifference:
    return TaskDifference(
        *(
            _difference(score(counts.whole_MCC), score(counts.resampled_RMCC), resampling)
            for score in (macro_f1_of, accuracy_of)
        )
    )


def _class_differences(
    joint: Decisions, counts: RunCounts, resampling: _Resampling, task: Task
) -> tuple[ClassDifference, ...]:
    f1_MC, f1_RMC = f1_per_class(counts.whole_MCC).f1_C, f1_per_class(counts.resampled_RMCC).f1_C
    return tuple(
        ClassDifference(
            name=name,
            photos=int(np.sum(joint.target_N == c)),
            people=len(set(resampling.person_N[joint.target_N == c])),
            f1=_difference(f1_MC[:, c], f1_RMC[:, :, c], resampling),
        )
        for c, name in enumerate(task.class_names)
    )


def _difference(score_M: Floats, score_RM: Floats, resampling: _Resampling) -> Difference:
    a_S, b_S = np.split(score_M, 2)
    a_RS, b_RS = np.split(score_RM, 2, axis=1)
    gain_R = np.take_along_axis(b_RS - a_RS, resampling.pair_RD, axis=1).mean(axis=1)
    return Difference(
        float(a_S.mean()), float(b_S.mean()), scored(float((b_S - a_S).mean()), gain_R, resampling.n_people)
    )
