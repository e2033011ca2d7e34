"""The head's outline, by its own points."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.drawing.head import half_width_at, head_outline, mouth_y
from maskwise.drawing.traits import draw_person

BONES = draw_person(np.random.default_rng(0), 20, "male").bones


def test_half_width_at_the_jaw_and_the_ends() -> None:
    assert half_width_at(BONES, 0.85) == pytest.approx(BONES.jaw, abs=1e-6)
    outline_P2 = head_outline(BONES)
    assert outline_P2[:, 1].min() == pytest.approx(-1.42, abs=0.02)
    assert outline_P2[:, 1].max() == pytest.approx(BONES.chin_y, abs=0.02)


def test_the_mouth_lies_between_nose_and_chin() -> None:
    assert BONES.nose_y < mouth_y(BONES) < BONES.chin_y
