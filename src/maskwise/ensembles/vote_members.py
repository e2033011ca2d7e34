"""Members of an ensemble become one prediction of new photos, with weights that were fitted before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import EnsembleConfig
from maskwise.probabilities import MemberProbabilities, Probabilities


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
