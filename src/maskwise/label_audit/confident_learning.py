"""Confident learning by the library cleanlab (Northcutt et al. 2021, JAIR 70), beside our own odds.

cleanlab takes a second to load, so it is loaded where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskwise.records import Floats, Ints


class Opinion(NamedTuple):
    """What cleanlab says of M labels."""

    quality_M: Floats
    """Its label quality, 0 (certainly wrong) to 1: self-confidence, adjusted for the confidence in each class."""
    wrong: int
    """How many labels it counts as wrong, by the confident joint."""


def confident_learning(label_M: Ints, probs_MK: Floats) -> Opinion:
    """Judge labels 0 … K - 1 by held-out probabilities of the same things; classes that nobody has are left out.

    With fewer than two classes there is nothing to find: all labels are of quality 1.
    """
    from cleanlab.count import num_label_issues
    from cleanlab.rank import get_label_quality_scores

    present, compact_M = np.unique(label_M, return_inverse=True)
    if len(present) < 2:
        return Opinion(np.ones(len(label_M)), 0)
    probs_MJ = probs_MK[:, present].astype(np.float64) + 1e-9
    probs_MJ /= probs_MJ.sum(axis=1, keepdims=True)
    quality_M = get_label_quality_scores(compact_M, probs_MJ, method="self_confidence", adjust_pred_probs=True)
    return Opinion(np.asarray(quality_M), int(num_label_issues(compact_M, probs_MJ)))
