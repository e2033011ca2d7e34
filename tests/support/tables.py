"""Small photo tables for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwise.labels import Task
from maskwise.records import PhotoTable, Strings


def strings(values: Sequence[str]) -> Strings:
    """An object array of ``values``."""
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


def photo_table(
    mask: Sequence[int],
    gender: Sequence[int],
    age_years: Sequence[int],
    person: Sequence[str] | None = None,
) -> PhotoTable:
    """A table without classes; every photo its own person unless given otherwise."""
    n = len(mask)
    return PhotoTable(
        photo_N=strings([f"photo-{k}.jpg" for k in range(n)]),
        person_N=strings(list(person) if person is not None else [f"person-{k}" for k in range(n)]),
        mask_N=np.array(mask, dtype=np.int64),
        gender_N=np.array(gender, dtype=np.int64),
        age_years_N=np.array(age_years, dtype=np.int64),
        origin_N=strings([""] * n),
        class_N=np.full(n, -1),
        train_class_N=np.full(n, -1),
    )


def people_table(people: int, rng: np.random.Generator) -> PhotoTable:
    """``people`` persons with seven photos each (five worn, one incorrect, one without), classes filled in."""
    gender = rng.integers(0, 2, people)
    age = rng.integers(18, 75, people)
    return Task().label(
        photo_table(
            mask=[0, 0, 0, 0, 0, 1, 2] * people,
            gender=np.repeat(gender, 7).tolist(),
            age_years=np.repeat(age, 7).tolist(),
            person=[f"{k:06}" for k in range(people) for _ in range(7)],
        )
    )
