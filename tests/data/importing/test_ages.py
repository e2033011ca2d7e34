from __future__ import annotations

import pytest

from maskwise.data.importing.ages import age_number, is_bin, parse_age, unusable_age

BORDERS = (30, 60)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("25", (25, 25)),
        (" 25.0 ", (25, 25)),
        ("20-29", (20, 29)),
        ("20 – 29", (20, 29)),
        ("(25, 32)", (25, 32)),
        ("25 to 32", (25, 32)),
        ("more than 70", (70, 120)),
        ("60+", (60, 120)),
        ("60 and over", (60, 120)),
        ("25.5", None),
        ("29-20", None),
        ("young", None),
        ("", None),
        ("-3", None),
    ],
)
def test_ages_as_sources_write_them(text: str, expected: tuple[int, int] | None) -> None:
    assert parse_age(text) == expected


def test_the_number_of_a_bin_lies_in_it_and_in_its_age_group() -> None:
    # (20 + 29) / 2 rounded down; nobody knows how old "more than 70" are, so five years more.
    assert [age_number(age) for age in ((25, 25), (20, 29), (60, 69), (70, 120), (120, 120))] == [25, 24, 64, 75, 120]
    for low in range(18, 120):
        for high in range(low, 121):
            if unusable_age((low, high), 18, BORDERS) is None:
                number = age_number((low, high))
                assert low <= number <= high
                assert [number >= border for border in BORDERS] == [low >= border for border in BORDERS]
    assert is_bin((20, 29))
    assert not is_bin((20, 20))


@pytest.mark.parametrize(
    "age, message",
    [
        ((17, 17), "18 or more, got '17'"),
        ((0, 2), "18 or more, got '0 to 2'"),
        ((10, 19), "18 or more, got '10 to 19'"),
        ((25, 32), "on one side of the age border 30, got '25 to 32'"),
        ((29, 30), "on one side of the age border 30"),
        ((50, 120), "on one side of the age border 60"),
        ((121, 121), "from 1 to 120 years, got '121'"),
    ],
)
def test_ages_that_cannot_be_used_are_named(age: tuple[int, int], message: str) -> None:
    assert message in str(unusable_age(age, 18, BORDERS))


@pytest.mark.parametrize("age", [(18, 18), (18, 29), (30, 59), (60, 120), (29, 29), (30, 30)])
def test_ages_within_a_group_are_fine(age: tuple[int, int]) -> None:
    assert unusable_age(age, 18, BORDERS) is None
