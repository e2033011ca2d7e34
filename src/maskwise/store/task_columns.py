"""The columns that a task has in a predictions file, and the task that such columns imply."""

from __future__ import annotations

import re

from maskwise.errors import DataError, must
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES, Attribute, Task
from maskwise.tables import CsvTable

ATTRIBUTE_COLUMN: dict[Attribute, str] = {"mask": "mask", "gender": "gender", "age": "age_group"}
PROBABILITY = "p_{}"
"""Heading of the probability of a joint class."""
_FIXED_SIZE: dict[Attribute, int] = {"mask": len(MASK_CLASSES), "gender": len(GENDER_CLASSES)}
_AGE_GROUP = re.compile(r"under (?P<under>\d+)|(?P<low>\d+) to (?P<high>\d+)|(?P<over>\d+) and over")


def probability_columns(n_classes: int) -> list[str]:
    """``["p_0", "p_1", …]``, one for each joint class."""
    return [PROBABILITY.format(code) for code in range(n_classes)]


def task_from_columns(table: CsvTable) -> Task:
    """The task whose predictions a CSV holds.

    The attributes are those that have a column, slowest first as they stand. The age borders follow from the names in
    age_group; where a group does not occur and the names leave a border open, the default borders are taken if they
    are as many and go with the names. ``DataError`` where this does not come out.
    """
    by_column = {column: attribute for attribute, column in ATTRIBUTE_COLUMN.items()}
    attributes = tuple(by_column[name] for name in table.header if name in by_column)
    n_classes = sum(re.fullmatch(r"p_\d+", name) is not None for name in table.header)
    if not attributes or not n_classes:
        raise DataError(
            f"{table.name} must have the columns of predictions (photo, class, mask, gender, age_group, confidence, "
            f"p_0, p_1 …), got {', '.join(table.header)}. Make it with maskwise predict."
        )
    size = 1
    for attribute in attributes:
        size *= _FIXED_SIZE.get(attribute, 1)
    if "age" in attributes:
        return Task(attributes=attributes, age_borders_years=_borders(table, n_classes / size))
    if n_classes != size:
        raise DataError(must(f"{table.name}: columns p_0, p_1 …", str(size), n_classes, "Predict again."))
    return Task(attributes=attributes)


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
