"""From settings to an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, assert_never

from maskwise.ensembles.config import EnsembleConfig, GeometricMean, HardVote, RankMean, SoftVote, WeightedVote
from maskwise.ensembles.votes import geometric_mean, hard_vote, rank_mean, soft_vote
from maskwise.ensembles.weights import equal_weights, mixture_weights
from maskwise.records import Floats, Ints


class Ensemble(NamedTuple):
    """How R members become one. One member comes back unchanged (from a hard vote: with the same decisions)."""

    fit: Callable[[Floats, Ints], Floats]
    """``fit(probs_RNC, target_N) → weights_R``: none negative, sum 1. Call it on held-out photos, see cross_fit.py."""
    combine: Callable[[Floats, Floats], Floats]
    """``combine(probs_RNC, weights_R) → probs_NC``: float64, rows sum to 1."""


def build_ensemble(config: EnsembleConfig) -> Ensemble:
    """The ensemble that ``config`` describes."""
    match config:
        case SoftVote():
            return Ensemble(equal_weights, soft_vote)
        case HardVote():
            return Ensemble(equal_weights, hard_vote)
        case WeightedVote():
            fit = partial(mixture_weights, tolerance_nats=config.tolerance_nats, steps_at_most=config.steps_at_most)
            return Ensemble(fit, soft_vote)
        case GeometricMean():
            return Ensemble(equal_weights, geometric_mean)
        case RankMean():
            return Ensemble(equal_weights, rank_mean)
        case _:
            assert_never(config)
