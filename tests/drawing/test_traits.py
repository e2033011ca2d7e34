"""Drawn people: the cues rise with age and lean, and overlap."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from maskwise.drawing.traits import Gender, Person, draw_person

PEOPLE = 300


def crowd(age_years: int, gender: Gender) -> list[Person]:
    return [draw_person(np.random.default_rng([age_years, k]), age_years, gender) for k in range(PEOPLE)]


@pytest.fixture(scope="module")
def by_age() -> dict[int, list[Person]]:
    return {age: crowd(age, "female")[: PEOPLE // 2] + crowd(age, "male")[: PEOPLE // 2] for age in (22, 45, 66)}


@pytest.fixture(scope="module")
def by_gender() -> dict[str, list[Person]]:
    return {"male": crowd(35, "male"), "female": crowd(35, "female")}


def test_same_rng_same_person() -> None:
    one, two = (draw_person(np.random.default_rng(5), 40, "male") for _ in range(2))
    assert one == two
    assert one != draw_person(np.random.default_rng(6), 40, "male")


@pytest.mark.parametrize("trace", ["forehead", "crows_feet", "nasolabial", "bags", "lids", "jowls", "neck", "spots"])
def test_traces_of_age_deepen_but_overlap(by_age: dict[int, list[Person]], trace: str) -> None:
    young_N, middle_N, old_N = (
        np.array([getattr(person.aging, trace) for person in by_age[age]]) for age in (22, 45, 66)
    )
    assert young_N.mean() < middle_N.mean() < old_N.mean()
    assert middle_N.max() > np.quantile(old_N, 0.25)


def test_no_group_has_a_trait_for_itself(by_gender: dict[str, list[Person]]) -> None:
    male, female = by_gender["male"], by_gender["female"]
    values: list[Callable[[Person], float]] = [
        lambda person: person.hair.length,
        lambda person: person.features.lip_fullness,
        lambda person: -person.features.brow_thickness,
        lambda person: -person.bones.jaw,
        lambda person: person.style.lipstick,
    ]
    for value in values:
        his_N, hers_N = np.array([value(p) for p in male]), np.array([value(p) for p in female])
        assert his_N.mean() < hers_N.mean()
        assert his_N.max() > np.quantile(hers_N, 0.2)


def test_beards_are_mostly_of_men(by_gender: dict[str, list[Person]]) -> None:
    share = {who: np.mean([p.hair.beard != "none" for p in people]) for who, people in by_gender.items()}
    assert 0.3 < share["male"] < 0.9
    assert share["female"] < 0.15


def test_shares_lie_between_0_and_1(by_age: dict[int, list[Person]]) -> None:
    for person in (person for people in by_age.values() for person in people):
        shares = list(dataclasses.asdict(person.aging).values())
        hair = person.hair
        shares += [hair.gray, hair.length, hair.curl, hair.fringe, hair.recession, hair.beard_density]
        shares += [person.style.lipstick, person.style.eyeliner]
        assert all(0 <= share <= 1 for share in shares)
        assert all(0 <= part <= 255 for part in person.skin)
