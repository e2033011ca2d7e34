from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from conftest import Workplace
from maskwise.recipe.load import load_recipe
from maskwise.studies.set_facts import NOTHING_KNOWN, SetFacts, look_at_set, unmet


def test_drawn_portraits_have_room_around_the_face_and_their_size_is_seen(workplace: Workplace) -> None:
    facts = look_at_set(workplace.data, load_recipe("claims"))
    assert facts.photo_px == (512, 384)
    assert 0.1 < facts.face_share < 0.6
    assert unmet("room around the face", facts) is None
    assert 0 <= facts.near_share <= 1
    assert facts.epoch_length(load_recipe("claims")) == 1.0
    longer = load_recipe("claims", ["sampling={kind: oversample_random, factor: 1.5}"])
    assert facts.epoch_length(longer) == pytest.approx(1.5, abs=0.01)


def test_photos_cut_to_the_face_and_ages_far_from_the_border_carry_no_such_claim() -> None:
    reason = unmet("room around the face", SetFacts(face_share=0.95))
    assert reason is not None
    assert "95%" in reason
    assert "would do" in reason
    assert unmet("ages near the border", SetFacts(near_share=0.2)) is not None
    assert unmet("ages near the border", NOTHING_KNOWN) is None


def test_ages_are_counted_by_person(workplace: Workplace) -> None:
    facts = look_at_set(workplace.data, load_recipe("claims"))
    assert facts.table is not None
    table = facts.table
    person_N, first = np.unique(table.person_N.astype(str), return_index=True)
    old = table.age_years_N[first] >= 60
    expected = np.mean(table.age_years_N[first][old] < 62) if old.any() else 1.0
    assert facts.near_share == pytest.approx(expected)
    assert len(person_N) == 24
    assert dataclasses.replace(facts, table=None).epoch_length(load_recipe("claims")) == 1.0
