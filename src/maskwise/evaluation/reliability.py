"""Does a probability of 0.8 mean right four times in five? Bins of confidence, and their mean distance from the truth.

The expected calibration error is that of C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern
neural networks", ICML 2017, https://arxiv.org/abs/1706.04599: 15 bins of equal width, ECE = Σ n_b / N |acc_b − conf_b|.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from maskwise.evaluation.groups import JOINT, hits_of, score_groups
from maskwise.evaluation.run_counts import person_groups, units
from maskwise.evaluation.temperature import fit_temperature, with_temperature
from maskwise.labels import Task
from maskwise.records import Floats, Predictions
from maskwise.score import Score

BINS = 15
_GROUPS = 5


@dataclass(frozen=True)
class ConfidenceBin:
    """The photos whose predicted class has a probability of a certain size."""

    low: float
    high: float
    photos: int
    confidence: float
    """The mean probability of the predicted classes."""
    accuracy: Score


@dataclass(frozen=True)
class Reliability:
    """Of the joint class or an attribute."""

    name: str
    bins: tuple[ConfidenceBin, ...]
    """Those that hold photos."""
    error: float
    """The expected calibration error."""


@dataclass(frozen=True)
class Calibration:
    """A model's confidence, as it is and with a temperature, on held-out people."""

    plain: tuple[Reliability, ...]
    tempered: tuple[Reliability, ...]
    """With the temperature that was fitted on other people; empty where there are too few people to fit one."""
    temperature: float | None
    """Fitted on all of these people."""


def calibration(predictions: Predictions, task: Task, rng: np.random.Generator) -> Calibration:
    """Reliability of the joint class and every attribute, before and after a temperature fitted on other people.

    ``DataError`` unless all photos are held out.
    """
    predictions.require_held_out("a calibration")
    seed = int(rng.integers(2**32))
    plain = reliability(predictions, task, np.random.default_rng(seed))
    if len(set(units(predictions).tolist())) < _GROUPS:
        return Calibration(plain, (), None)
    tempered = replace(predictions, probs_NC=cross_fit_temperature(predictions, rng))
    return Calibration(plain, reliability(tempered, task, np.random.default_rng(seed)), fit_temperature(predictions))


def cross_fit_temperature(predictions: Predictions, rng: np.random.Generator, groups: int = _GROUPS) -> Floats:
    """Probabilities with a temperature that was fitted on the people of the other ``groups``."""
    group_N = person_groups(predictions, rng, groups)
    probs_NC = np.empty(predictions.probs_NC.shape, dtype=np.float64)
    for group in range(int(group_N.max()) + 1):
        inside = group_N == group
        temperature = fit_temperature(predictions.take(~inside))
        probs_NC[inside] = with_temperature(predictions.probs_NC[inside], temperature)
    return probs_NC


def reliability(predictions: Predictions, task: Task, rng: np.random.Generator) -> tuple[Reliability, ...]:
    """The joint class, then each attribute by itself; intervals resample people."""
    hits = hits_of(predictions, task)
    found = []
    probs_of = {JOINT: predictions.probs_NC} | {n: task.marginal(predictions.probs_NC, n) for n in task.attributes}
    for name, probs in probs_of.items():
        confidence_N = probs.max(axis=1).astype(np.float64)
        bin_N = np.clip(np.ceil(confidence_N * BINS).astype(np.int64) - 1, 0, BINS - 1)
        groups = score_groups(predictions, task, bin_N, [str(k) for k in range(BINS)], rng, resamples=500)
        bins = tuple(
            ConfidenceBin(
                low=int(group.name) / BINS,
                high=(int(group.name) + 1) / BINS,
                photos=group.photos,
                confidence=float(confidence_N[bin_N == int(group.name)].mean()),
                accuracy=group.accuracy[name],
            )
            for group in groups
        )
        found.append(Reliability(name, bins, calibration_error(hits[name].astype(np.float64), confidence_N)))
    return tuple(found)


def calibration_error(hit_N: Floats, confidence_N: Floats, bins: int = BINS) -> float:
    """Σ n_b / N |accuracy − mean confidence| over bins of equal width, open below; NaN for no photos."""
    if not len(hit_N):
        return float("nan")
    bin_N = np.clip(np.ceil(np.asarray(confidence_N, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    gap_B = np.bincount(bin_N, weights=hit_N - confidence_N, minlength=bins)
    return float(np.abs(gap_B).sum() / len(hit_N))
