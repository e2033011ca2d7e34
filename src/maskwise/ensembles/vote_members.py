"""Several models become one prediction of new photos: members of an ensemble with weights fitted before, and folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import EnsembleConfig
from maskwise.ensembles.votes import hard_vote
from maskwise.probabilities import MemberProbabilities, Probabilities, averaged

FoldVote = Literal["soft", "hard"]


def vote_members(
    vote: EnsembleConfig, weights: Sequence[float], blocks: Sequence[MemberProbabilities], n_classes: int
) -> Probabilities:
    """All ``blocks`` of photos as one. Members vote over all photos at once, since ranks are ranks among all of them.

    A single member comes back unchanged.
    """
    if not blocks:
        return Probabilities(np.zeros((0, n_classes), dtype=np.float32), None)
    probs_RNC = np.concatenate([block.probs_RNC for block in blocks], axis=1)
    ages = [block.age_years_N for block in blocks if block.age_years_N is not None]
    alone = len(probs_RNC) == 1
    probs_NC = np.asarray(probs_RNC[0]) if alone else build_ensemble(vote).combine(probs_RNC, np.array(weights))
    return Probabilities(probs_NC, np.concatenate(ages) if ages else None)


def vote_folds(folds: Sequence[Probabilities], vote: FoldVote) -> Probabilities:
    """The models of one or more folds as one: their mean, or the share of votes that each class received.

    Votes and ties are those of ``hard_vote``. A single fold comes back unchanged; ages are always the mean.
    """
    mean = averaged(folds)
    if vote == "soft" or len(folds) == 1:
        return mean
    probs_RNC = np.stack([fold.probs_NC for fold in folds])
    return Probabilities(hard_vote(probs_RNC, np.full(len(folds), 1 / len(folds))), mean.age_years_N)
