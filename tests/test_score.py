from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest

from maskwise.score import Score


def test_json_gives_every_number_back() -> None:
    score = Score(1 / 3, -0.0, sys.float_info.min)
    assert Score.from_dict(json.loads(json.dumps(score.to_dict()))) == score


def test_nan_is_null_and_numpy_numbers_are_plain() -> None:
    printed = Score(float(np.float32(0.5)), math.nan, np.float64(0.25)).to_dict()
    assert printed == {"value": 0.5, "low": None, "high": 0.25}
    assert {type(number) for number in printed.values()} == {float, type(None)}
    assert math.isnan(Score.from_dict(printed).low)


@pytest.mark.parametrize("fields", [{}, {"value": 1.0, "low": 0.0}, {"value": "much", "low": 0.0, "high": 1.0}])
def test_anything_else_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Score.from_dict(fields)
