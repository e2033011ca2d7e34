"""One prediction from several models': the mean over views, folds and equal parts, the product over others. No torch.

Members of an ensemble vote after this, over all photos at once: ``maskwise.ensembles``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from maskwise.labels import Attribute, Task
from maskwise.records import Floats


class Probabilities(NamedTuple):
    """What one model, or several as one, predict for N photos."""

    probs_NC: Floats
    age_years_N: Floats | None
    """Expected age in years; None without an age head."""


def joined(blocks: Sequence[Probabilities]) -> Probabilities:
    """Several batches of photos as one."""
    if not blocks:
        return Probabilities(np.zeros((0, 0), dtype=np.float32), None)
    ages = [block.age_years_N for block in blocks if block.age_years_N is not None]
    return Probabilities(np.concatenate([block.probs_NC for block in blocks]), np.concatenate(ages) if ages else None)


def averaged(models: Sequence[Probabilities]) -> Probabilities:
    """The mean of several models (or views) for the same photos."""
    ages = [each.age_years_N for each in models if each.age_years_N is not None]
    probs_NC: Floats = np.mean([each.probs_NC for each in models], axis=0)
    return Probabilities(probs_NC, np.asarray(np.mean(ages, axis=0)) if ages else None)


def multiplied(parts: Sequence[tuple[tuple[Attribute, ...], Probabilities]], task: Task) -> Probabilities:
    """Parts that each predict some attributes of ``task``, as one prediction of all of them.

    p(joint class c) = Π over the sets of attributes of the mean over the parts of such a set of p_part(the part's class
    in c), as if the sets were independent of each other given the photo; rows sum to 1 as the parts' do. The age comes
    from the parts with the age group, else from the first that have one.
    """
    codes_C = task.codes(np.arange(task.n_classes))
    alike: dict[frozenset[Attribute], list[Probabilities]] = {}
    for attributes, part in parts:
        own = Task(attributes=attributes, age_borders_years=task.age_borders_years)
        columns = Probabilities(part.probs_NC[:, own.joint_class(codes_C)], part.age_years_N)
        alike.setdefault(frozenset(attributes), []).append(columns)
    sets = {attributes: averaged(models) for attributes, models in alike.items()}
    by_age = sorted(sets, key=lambda attributes: "age" not in attributes)
    years = (sets[attributes].age_years_N for attributes in by_age if sets[attributes].age_years_N is not None)
    return Probabilities(reduce(np.multiply, (each.probs_NC for each in sets.values())), next(years, None))


class MemberProbabilities(NamedTuple):
    """What R members of an ensemble predict for N photos."""

    probs_RNC: Floats
    age_years_N: Floats | None
    """The members' mean; None unless every member has one."""


def over_members(members: Sequence[Probabilities]) -> MemberProbabilities:
    """R members side by side, before they vote."""
    ages = [each.age_years_N for each in members if each.age_years_N is not None]
    return MemberProbabilities(
        np.stack([each.probs_NC for each in members]), np.mean(ages, axis=0) if len(ages) == len(members) else None
    )
