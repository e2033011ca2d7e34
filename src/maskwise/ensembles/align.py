"""Put the predictions of several models for the same photos side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskwise.errors import DataError, must
from maskwise.records import Floats, Predictions

_NAMED = 3
"""Photos named as examples in a message."""
_REMEDY = "Combine runs of one data set, task and split."


class Aligned(NamedTuple):
    """R members on the same N photos."""

    probs_RNC: Floats
    """float32 or float64, as the members; photos in the order of the first member."""
    common: Predictions
    """What the members share: photos, people, truth. Its probabilities and ages are the members' mean; ages only where
    every member has them. Optimistic if any member is."""


def align(members: Sequence[Predictions], names: Sequence[str] = ()) -> Aligned:
    """The members' probabilities for the same photos, found by their ids; ``names`` are for messages.

    The order of rows may differ, nothing else: ``DataError`` with all differences for other photos, a photo that
    stands twice, and another person, truth, number of classes or way of seeing a photo (held out, trained on, test).
    """
    if not members:
        raise DataError(must("members of an ensemble", "one or more", 0, "Name at least two runs."))
    titles = [names[r] if r < len(names) else f"member {r + 1}" for r in range(len(members))]
    problems = [
        *(fault for title, member in zip(titles, members, strict=True) for fault in _doubled(title, member)),
        *(f for t, m in zip(titles[1:], members[1:], strict=True) for f in _other_rows(t, m, titles[0], members[0])),
    ]
    if problems:
        raise DataError(problems)
    ordered = [member.at(members[0].photo_N) for member in members]
    problems = [
        fault
        for title, member in zip(titles[1:], ordered[1:], strict=True)
        for fault in _contradictions(title, member, titles[0], ordered[0])
    ]
    if problems:
        raise DataError(problems)
    return _side_by_side(ordered)


def _side_by_side(members: Sequence[Predictions]) -> Aligned:
    probs_RNC = np.stack([member.probs_NC for member in members])
    ages_RN = [member.age_years_N for member in members if member.age_years_N is not None]
    common = dataclasses.replace(
        members[0],
        probs_NC=probs_RNC.mean(axis=0, dtype=np.float64),
        age_years_N=np.mean(ages_RN, axis=0) if len(ages_RN) == len(members) else None,
        optimistic=any(member.optimistic for member in members),
    )
    return Aligned(probs_RNC, common)


def _doubled(title: str, member: Predictions) -> list[str]:
    doubled = len(member) - len(set(member.photo_N.tolist()))
    return [f"photos of {title} must be all different, got {doubled} again. Predict again."] if doubled else []


def _other_rows(title: str, member: Predictions, first_title: str, first: Predictions) -> list[str]:
    problems = []
    mine, theirs = set(member.photo_N.tolist()), set(first.photo_N.tolist())
    if mine != theirs:
        examples = ", ".join(sorted(mine ^ theirs)[:_NAMED])
        got = f"{len(mine - theirs)} others and {len(theirs - mine)} missing ({examples})"
        problems.append(f"photos of {title} must be those of {first_title}, got {got}. {_REMEDY}")
    n_classes, wanted = member.probs_NC.shape[1], first.probs_NC.shape[1]
    if n_classes != wanted:
        problems.append(must(f"joint classes of {title}", f"{wanted} as of {first_title}", n_classes, _REMEDY))
    return problems


def _contradictions(title: str, member: Predictions, first_title: str, first: Predictions) -> list[str]:
    columns = (
        ("persons", member.person_N, first.person_N),
        ("true classes", member.class_N, first.class_N),
        ("ways of seeing photos (held_out, trained_on, test)", member.seen_N, first.seen_N),
    )
    problems = []
    for what, mine_N, theirs_N in columns:
        other = np.flatnonzero(mine_N != theirs_N)
        if len(other):
            photo = first.photo_N[other[0]]
            got = f"others for {len(other)} of {len(first)} photos, first {photo!r}"
            problems.append(f"{what} of {title} must be those of {first_title}, got {got}. {_REMEDY}")
    return problems
