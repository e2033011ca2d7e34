"""A score with its interval, and its JSON form. Apart from ``records``, as listing runs needs no numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval by resampling people; the interval is NaN where there is only one person."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """In JSON form, NaN as null."""
        return {"value": null_if_nan(self.value), "low": null_if_nan(self.low), "high": null_if_nan(self.high)}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Score:
        """The score that ``to_dict`` gave. KeyError, TypeError or ValueError for anything else."""
        return Score(nan_if_null(fields["value"]), nan_if_null(fields["low"]), nan_if_null(fields["high"]))


def null_if_nan(value: float) -> float | None:
    """NaN has no JSON form."""
    return None if math.isnan(value) else float(value)


def nan_if_null(value: float | None) -> float:
    """The number that ``null_if_nan`` was given."""
    return math.nan if value is None else float(value)
