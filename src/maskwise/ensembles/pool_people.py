"""Several photos of one person: their gender and age are one truth, their mask is not.

What the photos of a group say of gender and age is averaged as log probabilities (the geometric mean), and every photo
keeps its own mask status, so that a joint probability is mask of the photo × gender and age of the group.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions, Strings

_LEAST = 1e-7
"""A smaller probability counts as this one, so that one photo that is sure cannot outvote all others."""


def pool_people(predictions: Predictions, group_N: Strings, task: Task) -> Predictions:
    """``predictions`` with gender and age pooled over the photos of each group; the predicted age is their mean."""
    _, group_of_N = np.unique(group_N.astype(str), return_inverse=True)
    ages = predictions.age_years_N
    return dataclasses.replace(
        predictions,
        probs_NC=pooled(predictions.probs_NC, group_of_N, task),
        age_years_N=None if ages is None else _means(ages[:, None].astype(float), group_of_N)[:, 0],
    )


def pooled(probs_NC: Floats, group_of_N: Ints, task: Task) -> Floats:
    """Rows that sum to 1; ``group_of_N`` counts from 0."""
    n = len(probs_NC)
    cube = probs_NC.reshape(n, *task.sizes).astype(float)
    mask_axis = 1 + task.attributes.index("mask") if "mask" in task.attributes else None
    person = cube if mask_axis is None else cube.sum(axis=mask_axis, keepdims=True)
    shape = person.shape
    log_NP = _means(np.log(np.maximum(person.reshape(n, -1), _LEAST)), group_of_N)
    person_NP = np.exp(log_NP - log_NP.max(axis=1, keepdims=True))
    person = (person_NP / person_NP.sum(axis=1, keepdims=True)).reshape(shape)
    if mask_axis is None:
        return np.asarray(person.reshape(n, -1), probs_NC.dtype)
    others = tuple(axis for axis in range(1, cube.ndim) if axis != mask_axis)
    mask = cube.sum(axis=others, keepdims=True)
    return np.asarray((mask * person).reshape(n, -1), probs_NC.dtype)


def _means(values_NK: Floats, group_of_N: Ints) -> Floats:
    """Each row replaced by the mean of its group's rows."""
    n_groups = int(group_of_N.max(initial=-1)) + 1
    sums_GK = np.zeros((n_groups, values_NK.shape[1]))
    np.add.at(sums_GK, group_of_N, values_NK)
    count_G = np.bincount(group_of_N, minlength=n_groups)
    return np.asarray((sums_GK / count_G[:, None])[group_of_N])
