"""How much a joint class counts, from the number of its training photos. numpy only.

All weights are scaled so that their mean over what the sampler shows is 1: a weighted loss then has the size of the
unweighted one, alone and as a term of a sum, and the learning rate keeps its meaning.

A class without training photos gets the weight of the heaviest class that has some. It cannot be met as a label in
training, but label smoothing, mixed or pseudo-labeled targets and held-out photos can put weight on it; then it counts
as the rarest class does. Zero would make a loss over held-out photos ignore it silently, 1 / 0 would break it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError, must
from maskwise.records import Floats, Ints

WeightPerClass = NDArray[np.float64]


def inverse_share(count_C: Ints) -> WeightPerClass:
    """w ∝ 1 / n, so that every class has the same sum over the training photos."""
    return 1 / counts_without_gaps(count_C)


def effective_number(count_C: Ints, beta: float) -> WeightPerClass:
    """w ∝ (1 − β) / (1 − βⁿ), the inverse of the effective number of photos (Cui et al. 2019, equation 2)."""
    # expm1 keeps the digits of 1 − βⁿ where βⁿ is nearly 1.
    weight_C: WeightPerClass = (1 - beta) / -np.expm1(counts_without_gaps(count_C) * np.log(beta))
    return weight_C


def sqrt_inverse_clipped(count_C: Ints, max_ratio: float) -> WeightPerClass:
    """w ∝ 1 / √n, cut off at ``max_ratio`` times the lightest weight."""
    raw_C = 1 / np.sqrt(counts_without_gaps(count_C))
    weight_C: WeightPerClass = np.minimum(raw_C, max_ratio * raw_C.min())
    return weight_C


def scaled(weight_C: WeightPerClass, shown_C: Ints | Floats) -> WeightPerClass:
    """``weight_C`` with the mean 1 over what is shown; ``shown_C`` is each class's part of that, in any unit."""
    mean = float((weight_C * shown_C).sum() / shown_C.sum())
    return weight_C / mean


def counts_without_gaps(count_C: Ints) -> WeightPerClass:
    """``count_C`` with the smallest number above 0 in place of every 0. DataError if all are 0."""
    count_C = np.asarray(count_C)
    if count_C.ndim != 1 or np.any(count_C < 0) or not np.any(count_C > 0):
        rule = "a row of numbers of 0 or more, with at least one photo"
        raise DataError(must("training photos per class", rule, count_C.tolist(), "Check the training part."))
    return np.where(count_C > 0, count_C, count_C[count_C > 0].min()).astype(np.float64)
