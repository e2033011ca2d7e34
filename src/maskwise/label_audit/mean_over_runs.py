"""Held-out predictions of several runs as one: the mean over those runs that held a photo out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Floats, Predictions


def mean_by_photo(runs: Sequence[Predictions]) -> Predictions:
    """One row for each photo that any of the runs held out, sorted by photo.

    Runs may have held out other people each. Ages are kept where every photo has one from some run. The true classes
    are the first run's: use the labels of today instead. ``DataError`` for predictions that are not
    held out, and for runs that disagree on whom a photo shows.
    """
    for run in runs:
        run.require_held_out("an audit of labels")
    photo_N = np.concatenate([run.photo_N for run in runs])
    _, first_M, place_N = np.unique(photo_N.astype(str), return_index=True, return_inverse=True)
    count_M = np.bincount(place_N)
    person_N = np.concatenate([run.person_N for run in runs])
    other_N = person_N != person_N[first_M][place_N]
    if other_N.any():
        got = f"others for {int(other_N.sum())} photos, first {photo_N[other_N][0]!r}"
        raise DataError(must("people of all runs", "the same", got, "Audit runs of one data set."))
    sums_MC = np.zeros((len(first_M), runs[0].probs_NC.shape[1]))
    np.add.at(sums_MC, place_N, np.concatenate([run.probs_NC for run in runs]).astype(np.float64))
    return Predictions(
        photo_N=photo_N[first_M],
        person_N=person_N[first_M],
        class_N=np.concatenate([run.class_N for run in runs])[first_M],
        probs_NC=sums_MC / count_M[:, None],
        seen_N=np.full(len(first_M), "held_out", dtype=object),
        age_years_N=_mean_age(runs, place_N, len(first_M)),
        optimistic=any(run.optimistic for run in runs),
    )


def _mean_age(
    runs: Sequence[Predictions], place_N: np.ndarray[tuple[int, ...], np.dtype[np.intp]], n: int
) -> Floats | None:
    age_N = np.concatenate(
        [np.full(len(run), np.nan) if run.age_years_N is None else run.age_years_N.astype(np.float64) for run in runs]
    )
    known_N = ~np.isnan(age_N)
    counts_M = np.bincount(place_N[known_N], minlength=n)
    if not n or counts_M.min() == 0:
        return None
    return np.asarray(np.bincount(place_N[known_N], weights=age_N[known_N], minlength=n) / counts_M)
