"""Ways to combine: ``combine(probs_RNC, weights_R) -> probs_NC``, R members, N photos, C classes.

``probs_RNC`` has rows that sum to 1, ``weights_R`` is not negative and sums to 1. All results are float64 and their
rows sum to 1. The order of the members makes no difference beyond rounding.
"""

from __future__ import annotations

import numpy as np

from maskwise.records import Floats

_TIE_SHARE = 1e-3
"""How much of a hard vote is mean probability. Votes of R members differ by 1/R or not at all, so for fewer than 999
members with equal weights this decides ties and nothing else."""

_LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""About 1e-38: a float32 softmax rounds to 0 only what lies below. Keeps the logarithm finite."""


def soft_vote(probs_RNC: Floats, weights_R: Floats) -> Floats:
    """The weighted mean of the members' probabilities."""
    return np.asarray(np.tensordot(weights_R, probs_RNC, axes=1), dtype=np.float64)


def hard_vote(probs_RNC: Floats, weights_R: Floats) -> Floats:
    """The share of votes for each class; a thousandth of it is the mean probability, which decides ties.

    A member votes for its most probable class (the first of equals). So ``argmax`` of the result is the class with
    most votes, and among those with equally many the one of highest mean probability.
    """
    decided_RN = probs_RNC.argmax(axis=2)
    votes_RNC = decided_RN[:, :, None] == np.arange(probs_RNC.shape[2])
    share_NC = np.tensordot(weights_R, votes_RNC, axes=1)
    return np.asarray((1 - _TIE_SHARE) * share_NC + _TIE_SHARE * soft_vote(probs_RNC, weights_R))


def geometric_mean(probs_RNC: Floats, weights_R: Floats) -> Floats:
    """exp(Σ_r w_r · ln p_r), scaled so that rows sum to 1: the logarithmic opinion pool.

    C. Genest and J. V. Zidek, "Combining probability distributions: a critique and an annotated bibliography",
    Statistical Science 1 (1986) 114–135, https://doi.org/10.1214/ss/1177013825. Probabilities of 0 count as 1e-38.
    """
    log_NC = np.tensordot(weights_R, np.log(np.maximum(probs_RNC, _LEAST_PROBABILITY, dtype=np.float64)), axes=1)
    # The highest of each row becomes 1, so that no row can vanish where the members rule out every class.
    return _rows_to_one(np.exp(log_NC - log_NC.max(axis=1, keepdims=True)))


def rank_mean(probs_RNC: Floats, weights_R: Floats) -> Floats:
    """Mean ranks, class by class, as probabilities again.

    For each class every member's probabilities are replaced by their ranks among the N photos (equals share their
    mean rank) and the ranks are averaged over the members. A mean rank k then stands for the mean over the members of
    their k-th smallest probability of that class, interpolated for broken ranks: bare ranks would make a photo's rank
    among candidates for a rare class count as much as for a common one. Last, rows are scaled to sum 1. The table of
    mean k-th smallest values is that of quantile normalization, B. M. Bolstad et al., Bioinformatics 19 (2003) 185–193,
    https://doi.org/10.1093/bioinformatics/19.2.185. One member comes back unchanged; one photo alone gets its soft
    vote.
    """
    _, n_photos, n_classes = probs_RNC.shape
    if not n_photos:
        return soft_vote(probs_RNC, weights_R)
    sorted_NC = np.tensordot(weights_R, np.sort(probs_RNC, axis=1), axes=1)
    value_NC = np.empty((n_photos, n_classes))
    for c in range(n_classes):
        ranks_RN = np.stack([_ranks(member_NC[:, c]) for member_NC in probs_RNC])
        # Rounded, as a rank that a sum leaves a hair above k would lift a photo from 0 where the values jump.
        rank_N = np.round(weights_R @ ranks_RN, 9)
        value_NC[:, c] = np.interp(rank_N, np.arange(n_photos), sorted_NC[:, c])
    return _rows_to_one(np.maximum(value_NC, _LEAST_PROBABILITY))


def _ranks(value_N: Floats) -> Floats:
    """Rank of each value from 0; equal values share the mean of their ranks."""
    _, code_N, count_K = np.unique(value_N, return_inverse=True, return_counts=True)
    last_K = np.cumsum(count_K) - 1
    return np.asarray((last_K - (count_K - 1) / 2)[code_N])


def _rows_to_one(value_NC: Floats) -> Floats:
    return np.asarray(value_NC / value_NC.sum(axis=1, keepdims=True))
