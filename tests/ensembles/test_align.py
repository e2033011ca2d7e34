from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ensembles.conftest import MakeMember
from maskwise.ensembles.align import align
from maskwise.errors import DataError


def test_photos_are_matched_by_id_in_the_first_members_order(make_member: MakeMember) -> None:
    first, second = make_member(0), make_member(1)
    order_N = np.random.default_rng(5).permutation(len(second))
    aligned = align([first, second.take(order_N)])
    np.testing.assert_array_equal(aligned.probs_RNC[0], first.probs_NC)
    np.testing.assert_array_equal(aligned.probs_RNC[1], second.probs_NC)
    np.testing.assert_array_equal(aligned.common.photo_N, first.photo_N)
    np.testing.assert_array_equal(aligned.common.class_N, first.class_N)
    expected_NC = (first.probs_NC.astype(np.float64) + second.probs_NC) / 2
    np.testing.assert_allclose(aligned.common.probs_NC, expected_NC, rtol=1e-12)


def test_optimism_spreads_and_ages_need_every_member(make_member: MakeMember) -> None:
    first, second = make_member(0, optimistic=True), make_member(1)
    aligned = align([second, first])
    assert aligned.common.optimistic
    assert aligned.common.age_years_N is None
    young, old = (dataclasses.replace(first, age_years_N=np.full(len(first), age)) for age in (20.0, 40.0))
    ages_N = align([young, old]).common.age_years_N
    assert ages_N is not None
    assert set(ages_N.tolist()) == {30.0}
    assert align([young, second]).common.age_years_N is None


def test_other_photos_or_classes_are_refused_together(make_member: MakeMember) -> None:
    other = make_member(1, n_classes=4).take(np.arange(1, 90))
    with pytest.raises(DataError) as caught:
        align([make_member(0), other], ["a", "b"])
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].startswith("photos of b must be those of a, ")
    assert "got 0 others and 1 missing (images/00000.jpg)" in caught.value.problems[0]
    assert "joint classes of b must be 6 as of a, got 4" in caught.value.problems[1]


def test_other_people_truth_or_ways_of_seeing_are_refused_together(make_member: MakeMember) -> None:
    first = make_member(0)
    other = dataclasses.replace(
        make_member(1),
        person_N=np.where(np.arange(90) == 4, "somebody else", first.person_N),
        class_N=(first.class_N + (np.arange(90) > 87)) % 6,
        seen_N=np.full(90, "test", object),
    )
    with pytest.raises(DataError) as caught:
        align([first, other])
    persons, classes, seen = caught.value.problems
    assert "persons of member 2 must be those of member 1" in persons
    assert "got others for 1 of 90" in persons
    assert "images/00004.jpg" in persons
    assert "true classes of member 2" in classes
    assert "got others for 2 of 90" in classes
    assert "held_out" in seen


def test_a_photo_twice_and_no_members_are_refused(make_member: MakeMember) -> None:
    twice = make_member(0).take(np.array([0, 1, 1]))
    with pytest.raises(DataError, match=r"photos of member 1 must .* got 1 again"):
        align([twice, twice])
    with pytest.raises(DataError, match="one or more, got 0"):
        align([])
