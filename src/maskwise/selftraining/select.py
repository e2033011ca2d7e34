"""Which unlabeled photos become training photos, and what their targets are.

N photos were predicted, M of them are kept, C joint classes. The idea: D.-H. Lee, "Pseudo-Label: The Simple and
Efficient Semi-Supervised Learning Method for Deep Neural Networks", ICML 2013 workshop WREPL.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError
from maskwise.records import Floats, Predictions, Strings

Keep = Callable[[Floats, np.random.Generator], NDArray[np.bool_]]
"""``keep(probs_NC, rng) → kept_N``."""

MakeTarget = Callable[[Floats], Floats]
"""``target(probs_MC) → target_MC``: rows sum to 1."""


class PseudoLabels(NamedTuple):
    """Photos to train on beside the labeled ones; M may be 0."""

    photo_id_M: Strings
    """In the order of the predictions."""
    target_MC: Floats
    """float64; rows sum to 1."""
    weight_M: Floats
    """Weight of each photo in the loss; a labeled photo has 1."""


def select(
    predictions: Predictions, rng: np.random.Generator, *, keep: Keep, target: MakeTarget, weight: float
) -> PseudoLabels:
    """Pseudo-labels for the photos that ``keep`` keeps, with the targets that ``target`` makes.

    ``DataError`` if any photo is labeled: only predictions seen as "test", of unknown class, are taken. Training on
    guesses for people whose truth is known, above all held-out ones, would spoil their scores.
    """
    _refuse_labeled(predictions)
    kept_N = keep(predictions.probs_NC, rng)
    target_MC = target(predictions.probs_NC[kept_N].astype(np.float64))
    return PseudoLabels(predictions.photo_N[kept_N], target_MC, np.full(len(target_MC), weight))


def keep_everything(probs_NC: Floats, _rng: np.random.Generator) -> NDArray[np.bool_]:
    """All N photos."""
    return np.ones(len(probs_NC), dtype=bool)


def keep_confident(probs_NC: Floats, _rng: np.random.Generator, *, threshold: float) -> NDArray[np.bool_]:
    """Photos whose highest probability is at least ``threshold``."""
    return np.asarray(probs_NC.max(axis=1, initial=0) >= threshold)


def keep_top_share(probs_NC: Floats, rng: np.random.Generator, *, share: float) -> NDArray[np.bool_]:
    """The most confident ceil(share · n) of the n photos of each predicted class; equals are chosen at random.

    The class-balanced choice of Y. Zou, Z. Yu, B. V. K. Vijaya Kumar and J. Wang, "Unsupervised Domain Adaptation for
    Semantic Segmentation via Class-Balanced Self-Training", ECCV 2018, https://arxiv.org/abs/1810.07911.
    """
    class_N, confidence_N = probs_NC.argmax(axis=1), probs_NC.max(axis=1, initial=0)
    kept_N = np.zeros(len(probs_NC), dtype=bool)
    shuffled_N = rng.permutation(len(probs_NC))
    # A stable sort leaves equals in the shuffled order.
    best_first_N = shuffled_N[np.argsort(-confidence_N[shuffled_N], kind="stable")]
    for class_ in np.unique(class_N):
        of_class = best_first_N[class_N[best_first_N] == class_]
        kept_N[of_class[: _share_of(len(of_class), share)]] = True
    return kept_N


def hard_target(probs_MC: Floats) -> Floats:
    """One-hot rows of the most probable class, the first of equals."""
    return np.asarray(np.eye(probs_MC.shape[1])[probs_MC.argmax(axis=1)])


def soft_target(probs_MC: Floats, *, temperature: float) -> Floats:
    """p^(1 / temperature), rows scaled to sum 1.

    The sharpening of D. Berthelot et al., "MixMatch: A Holistic Approach to Semi-Supervised Learning", NeurIPS 2019,
    https://arxiv.org/abs/1905.02249, section 3.2.
    """
    # The highest of each row becomes 1 first: low temperatures would round whole rows to 0.
    sharpened_MC = (probs_MC / probs_MC.max(axis=1, keepdims=True, initial=0)) ** (1 / temperature)
    return np.asarray(sharpened_MC / sharpened_MC.sum(axis=1, keepdims=True))


def _share_of(count: int, share: float) -> int:
    """ceil(share · count), not misled by rounding: 0.07 · 100 is a little more than 7 in floating point."""
    return math.ceil(round(share * count, 9))


def _refuse_labeled(predictions: Predictions) -> None:
    labeled_N = (predictions.seen_N != "test") | (predictions.class_N >= 0)
    if bool(np.any(labeled_N)):
        first = predictions.photo_N[np.argmax(labeled_N)]
        raise DataError(
            "photos for pseudo-labels must be unlabeled test photos, "
            f"got {int(np.sum(labeled_N))} of {len(predictions)} that are not, first {first!r}. "
            "Predict the photos without a label, and without their true classes."
        )
