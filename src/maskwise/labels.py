"""The task as data: attributes, joint classes, age borders. The only file that knows 18 = 3 · 2 · 3.

A joint class is the mixed-radix number of its attribute codes, first attribute slowest. For the competition's
task that is ``class = mask · 6 + gender · 3 + age group``.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from maskwise.errors import must
from maskwise.records import Floats, Ints, PhotoTable
from maskwise.settings import Settings

Attribute = Literal["mask", "gender", "age"]
MASK_CLASSES = ("worn", "incorrect", "not_worn")
GENDER_CLASSES = ("male", "female")
UNKNOWN = -1
"""The code and the class of what a data set does not say."""


class Task(Settings):
    """Which attributes are read, and where the age groups meet."""

    attributes: tuple[Attribute, ...] = ("mask", "gender", "age")
    """The attributes that make up the joint class, slowest first. Leave one out and it is not learned at all."""

    age_borders_years: tuple[int, ...] = (30, 60)
    """Ages at which the next age group begins. Scores and predictions always mean these groups."""

    train_age_borders_years: tuple[int, ...] | None = None
    """Borders of the labels that training sees, e.g. [30, 58]; never touches the labels that scores use."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        if not self.attributes or len(set(self.attributes)) != len(self.attributes):
            raise ValueError(
                must(
                    "task.attributes",
                    "a list of different attributes",
                    list(self.attributes),
                    "Name each once.",
                )
            )
        _refuse_bad_borders("task.age_borders_years", self.age_borders_years)
        if self.train_age_borders_years is None:
            return self
        _refuse_bad_borders("task.train_age_borders_years", self.train_age_borders_years)
        if len(self.train_age_borders_years) != len(self.age_borders_years):
            raise ValueError(
                must(
                    "task.train_age_borders_years",
                    f"as many as task.age_borders_years ({len(self.age_borders_years)})",
                    list(self.train_age_borders_years),
                    "Give one training border for each border.",
                )
            )
        if self.train_age_borders_years == self.age_borders_years or "age" not in self.attributes:
            raise ValueError(
                "task.train_age_borders_years would have no effect here. "
                "Leave it out, or choose borders that differ from task.age_borders_years (with age an attribute)."
            )
        return self

    def classes(self, attribute: Attribute) -> tuple[str, ...]:
        """Names of an attribute's classes, in the order of their codes."""
        if attribute == "mask":
            return MASK_CLASSES
        if attribute == "gender":
            return GENDER_CLASSES
        return age_group_names(self.age_borders_years)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes of each attribute: (3, 2, 3) for the competition's task."""
        return tuple(len(self.classes(attribute)) for attribute in self.attributes)

    @property
    def n_classes(self) -> int:
        """Number of joint classes, C."""
        return int(np.prod(self.sizes))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the joint classes: ``worn · male · under 30`` and so on."""
        return tuple(" · ".join(names) for names in itertools.product(*map(self.classes, self.attributes)))

    def age_group(self, age_years_N: Ints) -> Ints:
        """The age group that scores mean; ``UNKNOWN`` where the age is unknown (negative)."""
        return _group_of(age_years_N, self.age_borders_years)

    def train_age_group(self, age_years_N: Ints) -> Ints:
        """The age group that training means (``train_age_borders_years``, else the same as ``age_group``)."""
        return _group_of(age_years_N, self.train_age_borders_years or self.age_borders_years)

    def joint_class(self, codes: dict[Attribute, Ints]) -> Ints:
        """Joint classes from the codes of every attribute; ``UNKNOWN`` where any code is."""
        columns = [np.asarray(codes[attribute], dtype=np.int64) for attribute in self.attributes]
        known_N = np.all([column >= 0 for column in columns], axis=0)
        clean = tuple(np.where(known_N, column, 0) for column in columns)
        return np.where(known_N, np.ravel_multi_index(clean, self.sizes), UNKNOWN).astype(np.int64)

    def codes(self, class_N: Ints) -> dict[Attribute, Ints]:
        """The code of every attribute in each joint class; ``UNKNOWN`` stays unknown."""
        class_N = np.asarray(class_N, dtype=np.int64)
        columns = np.unravel_index(np.maximum(class_N, 0), self.sizes)
        return {
            attribute: np.where(class_N >= 0, column, UNKNOWN).astype(np.int64)
            for attribute, column in zip(self.attributes, columns, strict=True)
        }

    def marginal(self, probs_NC: Floats, attribute: Attribute) -> Floats:
        """Probabilities of one attribute's classes: the joint ones summed over the other attributes."""
        cube = probs_NC.reshape(len(probs_NC), *self.sizes)
        others = tuple(1 + k for k, name in enumerate(self.attributes) if name != attribute)
        return cast("Floats", cube.sum(axis=others))

    def absent_classes(self, class_N: Ints) -> tuple[str, ...]:
        """What no photo of joint classes ``class_N`` shows: ``mask worn``, or ``worn · male · under 30`` where only the
        combination is absent."""
        present_C = np.bincount(class_N[class_N >= 0], minlength=self.n_classes) > 0
        absent: list[str] = []
        covered_C = present_C.copy()
        for attribute, code_C in self.codes(np.arange(self.n_classes)).items():
            for code, name in enumerate(self.classes(attribute)):
                if not present_C[code_C == code].any():
                    absent.append(f"{attribute} {name}")
                    covered_C |= code_C == code
        return (*absent, *(name for name, covered in zip(self.class_names, covered_C, strict=True) if not covered))

    def label(self, table: PhotoTable) -> PhotoTable:
        """The same photos with ``class_N`` (for scores) and ``train_class_N`` (for training) filled in."""
        codes: dict[Attribute, Ints] = {"mask": table.mask_N, "gender": table.gender_N}
        class_N = self.joint_class({**codes, "age": self.age_group(table.age_years_N)})
        train_class_N = self.joint_class({**codes, "age": self.train_age_group(table.age_years_N)})
        return dataclasses.replace(table, class_N=class_N, train_class_N=train_class_N)


class PhotoGroup(Settings):
    """Some of the photos: those that fit all that is said here."""

    mask: Literal["worn", "incorrect", "not_worn"] | None = None
    """Their mask status. Unset: any."""

    gender: Literal["male", "female"] | None = None
    """The gender of the people. Unset: any."""

    age_years: tuple[int, int] | None = None
    """The youngest and the oldest age of the people in years, both included. Unset: any."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        if self.mask is None and self.gender is None and self.age_years is None:
            remedy = "Say gender: male, for example."
            raise ValueError(must("a group of photos", "given by mask, gender or age_years", "none of them", remedy))
        if self.age_years is not None and not 0 <= self.age_years[0] <= self.age_years[1]:
            rule = "the youngest and the oldest age"
            raise ValueError(must("age_years of a group", rule, list(self.age_years), "For example [60, 120]."))
        return self

    def members(self, table: PhotoTable) -> NDArray[np.bool_]:
        """Which of the N photos fit. What is unknown fits nothing that is said."""
        fits_N = np.ones(len(table), dtype=np.bool_)
        if self.mask is not None:
            fits_N &= table.mask_N == MASK_CLASSES.index(self.mask)
        if self.gender is not None:
            fits_N &= table.gender_N == GENDER_CLASSES.index(self.gender)
        if self.age_years is not None:
            fits_N &= (table.age_years_N >= self.age_years[0]) & (table.age_years_N <= self.age_years[1])
        return fits_N

    def __str__(self) -> str:
        """What is said, as in a recipe."""
        return ", ".join(f"{name}: {value}" for name, value in self.model_dump(exclude_none=True).items())


def known_attributes(table: PhotoTable) -> tuple[Attribute, ...]:
    """The attributes that every one of the photos is labeled with: those that can be learned from them."""
    columns: dict[Attribute, Ints] = {"mask": table.mask_N, "gender": table.gender_N, "age": table.age_years_N}
    return tuple(attribute for attribute, code_N in columns.items() if np.all(code_N >= 0))


def age_group_names(borders_years: tuple[int, ...]) -> tuple[str, ...]:
    """``("under 30", "30 to 59", "60 and over")`` for borders (30, 60)."""
    inner = [f"{low} to {high - 1}" for low, high in itertools.pairwise(borders_years)]
    return (f"under {borders_years[0]}", *inner, f"{borders_years[-1]} and over")


def _group_of(age_years_N: Ints, borders_years: tuple[int, ...]) -> Ints:
    age_years_N = np.asarray(age_years_N)
    group_N = np.searchsorted(np.asarray(borders_years), age_years_N, side="right")
    return np.where(age_years_N >= 0, group_N, UNKNOWN).astype(np.int64)


def _refuse_bad_borders(name: str, borders: tuple[int, ...]) -> None:
    ascending = all(low < high for low, high in itertools.pairwise(borders))
    if not borders or not ascending or borders[0] < 1:
        raise ValueError(must(name, "a rising list of ages of 1 or more", list(borders), "For example [30, 60]."))
