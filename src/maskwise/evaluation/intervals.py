"""95 % intervals by resampling people, not photos.

Seven photos of one person are not seven independent trials: they are right or wrong together. So whole people are
resampled with replacement, each with all of their photos, and the score is computed anew for every such resample; the
interval runs from the 2.5th to the 97.5th percentile of these scores. This is the cluster bootstrap: C. A. Field and
A. H. Welsh, "Bootstrapping clustered data", J. R. Stat. Soc. B 69 (2007) 369–390, https://doi.org/10.1111/j.1467-9868.2007.00593.x
(its "cluster bootstrap"); A. C. Cameron, J. B. Gelbach and D. L. Miller, "Bootstrap-based improvements for inference
with clustered errors", Rev. Econ. Stat. 90 (2008) 414–427 ("pairs cluster bootstrap").

Scores that depend on photos only through counts in cells (a confusion matrix) need the photos just once: every
person's counts are a row of a matrix, and a resample is a row of integer weights times that matrix.
"""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Floats, Ints, Strings
from maskwise.score import Score

PERCENTILES = (2.5, 97.5)
_WEIGHTS_A_CHUNK = 4_000_000
"""Resampling weights held at once (16 MB in float32)."""
_EXACT_IN_FLOAT32 = 2**24
"""Whole numbers up to here are sums that float32 does not round."""


def person_counts(person_N: Strings, cell_NT: Ints, n_cells: int) -> Floats:
    """How many of each person's photos fall into each of K cells, shape (P, K), people in sorted order.

    ``cell_NT`` holds T cells per photo (one for each table that the photo is counted in), from 0 to ``n_cells`` - 1.
    """
    names_P, person_code_N = np.unique(person_N.astype(str), return_inverse=True)
    n_people = len(names_P)
    photos_P = np.bincount(person_code_N, minlength=n_people)
    place_NT = person_code_N[:, None] * n_cells + cell_NT
    counts = np.bincount(place_NT.ravel(), minlength=n_people * n_cells).reshape(n_people, n_cells)
    # float32 halves the memory; no resample holds more photos than this bound.
    exact = n_people * int(photos_P.max(initial=0)) < _EXACT_IN_FLOAT32
    return counts.astype(np.float32 if exact else np.float64)


def resample_people(counts_PK: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Cell counts of ``resamples`` samples of P people with replacement, shape (R, K), float64.

    The samples depend on ``rng`` and P alone, so tables that are to be compared may share them.
    """
    if resamples < 1:
        raise DataError(must("resamples", "at least 1", resamples, "Set it to 2000."))
    n_people, n_cells = counts_PK.shape
    counts_RK = np.empty((resamples, n_cells))
    chunk = max(1, _WEIGHTS_A_CHUNK // max(n_people, 1))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        weights_RP = _multinomial_weights(n_people, rng, rows).astype(counts_PK.dtype)
        counts_RK[start : start + rows] = weights_RP @ counts_PK
    return counts_RK


def scored(value: float, resampled_R: Floats, n_people: int) -> Score:
    """``value`` with the percentiles of its resampled scores; NaN bounds for fewer than two people.

    Resamples in which the score has no meaning (NaN: a class that was not sampled) are left out.
    """
    usable_R = resampled_R[~np.isnan(resampled_R)]
    if n_people < 2 or not len(usable_R):
        return Score(value, float("nan"), float("nan"))
    low, high = np.percentile(usable_R, PERCENTILES)
    return Score(value, float(low), float(high))


def _multinomial_weights(n_people: int, rng: np.random.Generator, resamples: int) -> Ints:
    """How often each person is sampled: (R, P) rows of a multinomial with P trials and equal probabilities.

    Counting P uniform samples gives that distribution several times faster than ``rng.multinomial``.
    """
    drawn_RP = rng.integers(0, n_people, size=(resamples, n_people))
    drawn_RP += np.arange(resamples)[:, None] * n_people
    return np.bincount(drawn_RP.ravel(), minlength=resamples * n_people).reshape(resamples, n_people)
