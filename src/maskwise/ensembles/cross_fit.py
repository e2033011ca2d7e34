"""Weights that are fitted on people need other people to be scored on."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskwise.ensembles.align import Aligned
from maskwise.ensembles.build import Ensemble
from maskwise.evaluation.run_counts import person_groups
from maskwise.records import Floats, Predictions

PURPOSE = "ensemble weights"


def fit_weights(ensemble: Ensemble, aligned: Aligned) -> Floats:
    """Weights (R,) fitted on all photos: the ones to predict new photos with. ``DataError`` unless all are held out."""
    aligned.common.require_held_out(PURPOSE)
    return ensemble.fit(aligned.probs_RNC, aligned.common.class_N)


def combine(ensemble: Ensemble, aligned: Aligned, weights_R: Floats) -> Predictions:
    """One prediction for each of the members' N photos. Predicted ages are the members' plain mean."""
    return dataclasses.replace(aligned.common, probs_NC=ensemble.combine(aligned.probs_RNC, weights_R))


def cross_fitted(
    ensemble: Ensemble, aligned: Aligned, rng: np.random.Generator, groups: int = 5
) -> tuple[Predictions, Floats]:
    """(predictions whose score is honest, the weights of each group, shape (K, R)).

    People are split at random into K = ``groups`` groups (fewer where there are fewer people); the photos of each
    group are combined with weights that were fitted on all other groups. So nobody is scored with weights that their
    own photos helped to choose, as they would be, in favor of the fitted kinds, with ``fit_weights``. Where nothing
    is fitted, the predictions are those of ``combine``. A photo without a person counts as its own. ``DataError``
    unless all photos are held out, and for fewer than two people.
    """
    aligned.common.require_held_out(PURPOSE)
    group_N = person_groups(aligned.common, rng, groups)
    probs_NC = np.empty(aligned.probs_RNC.shape[1:])
    weights_KR = []
    for group in range(int(group_N.max()) + 1):
        inside_N = group_N == group
        weights_R = ensemble.fit(aligned.probs_RNC[:, ~inside_N], aligned.common.class_N[~inside_N])
        # All photos are combined and a group's kept: ranks are ranks among all photos, whose truth plays no part here.
        probs_NC[inside_N] = ensemble.combine(aligned.probs_RNC, weights_R)[inside_N]
        weights_KR.append(weights_R)
    return dataclasses.replace(aligned.common, probs_NC=probs_NC), np.stack(weights_KR)
