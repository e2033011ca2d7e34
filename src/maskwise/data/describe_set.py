"""What a data set holds, in numbers: people, classes, ages, sizes, colors, faces, copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from maskwise.data.near_copies import Pair, near_copies
from maskwise.data.photo_facts import PhotoFacts
from maskwise.labels import MASK_CLASSES, Task
from maskwise.records import Floats, Ints, PhotoTable, Strings

MOST_COMPARED = 40_000
"""Comparing every photo with every other takes a minute for so many. Of a larger set the bare photos are compared
alone, the first so many of them if need be."""


class ClassCount(NamedTuple):
    """A joint class of the task."""

    name: str
    people: int
    photos: int


@dataclass(frozen=True)
class SetNumbers:
    """A labeled data set in numbers. C joint classes, G genders, A age groups."""

    people: int
    photos: int
    classes: tuple[ClassCount, ...]
    people_GA: Ints
    """People by gender and age group; those of unknown gender or age are in no cell."""
    people_of_age: dict[int, int]
    """People by age in years, rising."""
    people_with_photos: dict[int, int]
    """How many people have so many photos, rising."""
    photos_of_size: dict[str, int]
    """By ``width × height``, the commonest first."""
    photos_of_format: dict[str, int]
    bytes: int
    brightness_quantiles: tuple[float, float, float, float, float]
    """0, 5, 50, 95 and 100 % of the photos are at most so bright, 0 (black) to 1 (white)."""
    mean_C: tuple[float, ...]
    std_C: tuple[float, ...]
    """Mean and standard deviation of red, green and blue over all pixels, 0 to 1, every photo weighed alike."""
    faceless: tuple[str, ...] | None
    """Photos in which no face was found; None where none was looked for."""
    copies: tuple[tuple[str, ...], ...]
    """Photos whose files are equal, byte for byte, the groups in the order of the set."""
    near: tuple[tuple[str, str, float], ...]
    """Photos of different people that are nearly the same picture, and how alike they are, 1 at most."""
    compared: int
    """How many photos were compared for near copies."""
    unreadable: tuple[str, ...]

    @property
    def largest_over_smallest(self) -> float:
        """Photos of the commonest class for each of the rarest that occurs."""
        present = [row.photos for row in self.classes if row.photos]
        return max(present) / min(present) if present else float("nan")


def describe_set(table: PhotoTable, facts: PhotoFacts, task: Task) -> SetNumbers:
    """The numbers of ``table``, whose photos were looked at in ``facts``."""
    person_N = table.person_N.astype(str)
    photos_of_person = Counter(person_N.tolist())
    seen = table.take(facts.index_N)
    mean_C, std_C = pixel_mean_std(facts)
    return SetNumbers(
        people=len(photos_of_person),
        photos=len(table),
        classes=_classes(table, task),
        people_GA=_gender_by_age(table, task),
        people_of_age=_sorted(Counter(_ages(table))),
        people_with_photos=_sorted(Counter(photos_of_person.values())),
        photos_of_size=dict(
            Counter(
                f"{w} × {h}" for w, h in zip(facts.width_px_N.tolist(), facts.height_px_N.tolist(), strict=True)
            ).most_common()
        ),
        photos_of_format=dict(Counter(facts.format_N.tolist()).most_common()),
        bytes=int(facts.bytes_N.sum()),
        brightness_quantiles=_quantiles(facts.brightness()),
        mean_C=mean_C,
        std_C=std_C,
        faceless=None if facts.has_face_N is None else tuple(seen.photo_N[~facts.has_face_N].tolist()),
        copies=_same_files(seen.photo_N, facts.content_N),
        near=near_photos(seen, facts),
        compared=len(compared_photos(seen)),
        unreadable=facts.problems,
    )


def pixel_mean_std(facts: PhotoFacts) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0 to 1; every photo has the same weight, whatever its size."""
    mean_C = facts.mean_NC.mean(axis=0)
    variance_C = np.maximum(facts.square_NC.mean(axis=0) - mean_C**2, 0.0)
    return tuple(mean_C.tolist()), tuple(np.sqrt(variance_C).tolist())


def near_photos(seen: PhotoTable, facts: PhotoFacts) -> tuple[tuple[str, str, float], ...]:
    """Near copies across people as names, the most alike first; one pair of photos for each pair of people."""
    chosen = compared_photos(seen)
    photo_M = seen.photo_N[chosen]
    person_M = np.unique(seen.person_N[chosen].astype(str), return_inverse=True)[1]
    best: dict[tuple[int, int], Pair] = {}
    for pair in near_copies(facts.waves_NF[chosen], person_M):
        one, other = int(person_M[pair.one]), int(person_M[pair.other])
        best.setdefault((min(one, other), max(one, other)), pair)
    return tuple((str(photo_M[p.one]), str(photo_M[p.other]), p.alike) for p in best.values())


def compared_photos(seen: PhotoTable) -> Ints:
    """Positions of the photos that are compared with each other: all of them, unless they are too many."""
    if len(seen) <= MOST_COMPARED:
        return np.arange(len(seen))
    return np.flatnonzero(seen.mask_N == MASK_CLASSES.index("not_worn"))[:MOST_COMPARED]


def _classes(table: PhotoTable, task: Task) -> tuple[ClassCount, ...]:
    photos_C = np.bincount(table.class_N[table.class_N >= 0], minlength=task.n_classes)
    pairs = {*zip(table.person_N.astype(str).tolist(), table.class_N.tolist(), strict=True)}
    people_of = Counter(class_ for _, class_ in pairs)
    return tuple(ClassCount(name, people_of[c], int(photos_C[c])) for c, name in enumerate(task.class_names))


def _gender_by_age(table: PhotoTable, task: Task) -> Ints:
    group_N = task.age_group(table.age_years_N)
    counts_GA = np.zeros((len(task.classes("gender")), len(task.classes("age"))), dtype=np.int64)
    known = (table.gender_N >= 0) & (group_N >= 0)
    rows = zip(table.person_N[known].tolist(), table.gender_N[known].tolist(), group_N[known].tolist(), strict=True)
    for _, gender, group in set(rows):
        counts_GA[gender, group] += 1
    return counts_GA


def _ages(table: PhotoTable) -> Iterable[int]:
    pairs = {*zip(table.person_N.tolist(), table.age_years_N.tolist(), strict=True)}
    return (age for _, age in pairs if age >= 0)


def _quantiles(brightness_N: Floats) -> tuple[float, float, float, float, float]:
    lowest, low, middle, high, highest = np.quantile(brightness_N, [0.0, 0.05, 0.5, 0.95, 1.0]).tolist()
    return lowest, low, middle, high, highest


def _same_files(photo_N: Strings, content_N: Strings) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    for photo, content in zip(photo_N.tolist(), content_N.tolist(), strict=True):
        groups.setdefault(content, []).append(photo)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _sorted(counts: Counter[int]) -> dict[int, int]:
    return dict(sorted(counts.items()))


def mean_std_setting(values_C: Sequence[float]) -> str:
    """Three numbers as a list that can be pasted: ``[0.548, 0.504, 0.479]``."""
    return "[" + ", ".join(f"{value:.3f}" for value in values_C) + "]"
