"""Outlines of masks: what they cover, worn right and wrong."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.drawing.head import half_width_at, head_outline, mouth_y
from maskwise.drawing.painted_masks import MASK_KINDS, WRONG_WEARINGS, MaskKind, mask_outline
from maskwise.drawing.traits import Person, draw_person

PEOPLE = [draw_person(np.random.default_rng(k), 20 + 5 * k, "female" if k % 2 else "male") for k in range(10)]


@pytest.mark.parametrize("kind", MASK_KINDS)
@pytest.mark.parametrize("person", PEOPLE[:4], ids=lambda person: f"{person.gender} {person.age_years}")
def test_worn_right_it_covers_bridge_mouth_and_chin(person: Person, kind: MaskKind) -> None:
    outline_P2 = mask_outline(person, kind, "right")
    assert outline_P2[:, 1].min() < 0.3 < person.bones.nose_y
    assert outline_P2[:, 1].max() > person.bones.chin_y
    assert outline_P2[:, 0].max() > 1.5 * person.features.lip_width


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_worn_wrong_the_nose_is_out(kind: MaskKind) -> None:
    for person in PEOPLE:
        tops = {wearing: mask_outline(person, kind, wearing)[:, 1].min() for wearing in WRONG_WEARINGS}
        assert tops["nose_out"] > person.bones.nose_y
        assert tops["nose_out"] < mouth_y(person.bones)
        assert tops["mouth_out"] > mouth_y(person.bones) + person.features.lip_fullness
        assert tops["on_chin"] > person.bones.chin_y - 0.3


def test_masks_follow_the_face() -> None:
    for person in PEOPLE:
        outline_P2 = mask_outline(person, "surgical", "right")
        for x, y in outline_P2[(outline_P2[:, 1] > 0.35) & (outline_P2[:, 1] < 1.0)]:
            # A mask spans the hollow of a narrow jaw, so it may stand out a little.
            assert abs(x) < 1.09 * half_width_at(person.bones, y)
        np.testing.assert_allclose(outline_P2[:, 0].max(), -outline_P2[:, 0].min())


def test_half_width_of_the_head_by_its_own_points() -> None:
    bones = PEOPLE[0].bones
    assert half_width_at(bones, 0.85) == pytest.approx(bones.jaw, abs=1e-6)
    outline_P2 = head_outline(bones)
    assert outline_P2[:, 1].min() == pytest.approx(-1.42, abs=0.02)
    assert outline_P2[:, 1].max() == pytest.approx(bones.chin_y, abs=0.02)
