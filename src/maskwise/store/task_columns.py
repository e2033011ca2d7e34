"""The columns that a task has in a predictions file, and the task that such columns imply."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES, Attribute, Task
from maskwise.tables import CsvTable

ATTRIBUTE_COLUMN: dict[Attribute, str] = {"mask": "mask", "gender": "gender", "age": "age_group"}
_FIXED_SIZE: dict[Attribute, int] = {"mask": len(MASK_CLASSES), "gender": len(GENDER_CLASSES)}
_AGE_GROUP = re.compile(r"under (?P<under>\d+)|(?P<low>\d+) to (?P<high>\d+)|(?P<over>\d+) and over")


def attribute_columns(task: Task) -> list[str]:
    """``["p_worn", …, "p_60_and_over"]``, one for each class of each attribute; none where there is one attribute."""
    if len(task.attributes) == 1:
        return []
    return [_column(name) for attribute in task.attributes for name in task.classes(attribute)]


def joint_columns(task: Task) -> list[str]:
    """``["p_worn_male_under_30", …]``, one for each joint class."""
    codes = task.codes(np.arange(task.n_classes))
    classes = [[task.classes(attribute)[code] for code in codes[attribute]] for attribute in task.attributes]
    return [_column(*names) for names in zip(*classes, strict=True)]


def joint_columns_in(header: Sequence[str], task: Task) -> list[str]:
    """The columns of joint classes in a file: by name, or by number as files of versions before 0.2 have them."""
    named = joint_columns(task)
    return named if named[0] in header else [f"p_{code}" for code in range(task.n_classes)]


def task_from_columns(table: CsvTable) -> Task:
    """The task whose predictions a CSV holds.

    The attributes are those that have a column, slowest first as they stand. The age borders follow from the columns
    of probabilities; where these are numbered, from the names in age_group: where a group does not occur and the names
    leave a border open, the default borders are taken if they are as many and go with the names. ``DataError`` where
    this does not come out.
    """
    by_column = {column: attribute for attribute, column in ATTRIBUTE_COLUMN.items()}
    attributes = tuple(by_column[name] for name in table.header if name in by_column)
    age_groups = [group for name in table.header if _AGE_GROUP.fullmatch(group := name[2:].replace("_", " "))]
    n_classes = sum(re.fullmatch(r"p_\d+", name) is not None for name in table.header)
    if not attributes or not (n_classes or any(name.startswith("p_") for name in table.header)):
        raise DataError(
            f"{table.name} must have the columns of predictions (photo, class, mask, gender, age_group, confidence, "
            f"p_worn_male_under_30 …), got {', '.join(table.header)}. Make it with maskwise predict."
        )
    if "age" in attributes and age_groups:
        borders = sorted({border for group in age_groups for border in _implied_by(group, table.name)})
        return Task(attributes=attributes, age_borders_years=tuple(borders))
    size = 1
    for attribute in attributes:
        size *= _FIXED_SIZE.get(attribute, 1)
    if "age" in attributes:
        return Task(attributes=attributes, age_borders_years=_borders(table, n_classes / size))
    if n_classes not in (0, size):
        raise DataError(must(f"{table.name}: columns p_0, p_1 …", str(size), n_classes, "Predict again."))
    return Task(attributes=attributes)


def _column(*names: str) -> str:
    return "_".join(["p", *names]).replace(" ", "_")


def _borders(table: CsvTable, n_groups: float) -> tuple[int, ...]:
    names = sorted(set(table.columns[ATTRIBUTE_COLUMN["age"]]))
    found: set[int] = set()
    for name in names:
        found |= _implied_by(name, table.name)
    default = Task().age_borders_years
    for borders in (tuple(sorted(found)), default):
        if borders and len(borders) + 1 == n_groups and found <= set(borders):
            return borders
    raise DataError(
        f"{table.name}: age groups must imply {n_groups - 1:g} borders, got {', '.join(names) or 'no group'}. "
        "Use the .parquet of these predictions, which keeps the task."
    )


def _implied_by(name: str, file: str) -> set[int]:
    """The borders that the name of an age group implies: {30, 60} for "30 to 59"."""
    parsed = _AGE_GROUP.fullmatch(name)
    if parsed is None:
        raise DataError(must(f"{file}: age_group", "as in 'under 30'", name, "Predict again."))
    offsets = {"under": 0, "low": 0, "high": 1, "over": 0}
    return {int(parsed[part]) + offset for part, offset in offsets.items() if parsed[part] is not None}
