"""Ages as sources give them: years, or bins; and which of them a training can use."""

from __future__ import annotations

import re

from maskwise.data.importing.faces import AgeRange
from maskwise.data.layout import HIGHEST_AGE_YEARS, LOWEST_AGE_YEARS
from maskwise.errors import must

OPEN_BIN_STEP_YEARS = 5
"""A bin without an upper end ("more than 70") counts as so many years above its lower end."""

_YEARS = re.compile(r"(\d{1,3})(?:\.0*)?")
_BIN = re.compile(r"\(?\s*(\d{1,3})\s*(?:-|–|,|to)\s*(\d{1,3})\s*\)?")
_OPEN = re.compile(r"(?:more than|over|from)\s*(\d{1,3})|(\d{1,3})\s*(?:\+|and over|or more)")


def parse_age(text: str) -> AgeRange | None:
    """The range that ``text`` leaves open: "25", "20-29", "(25, 32)", "more than 70", "60+". None for anything else.

    FairFace writes "more than 70" for everybody from 70 on, so both ways of saying it begin at the number itself.
    """
    text = text.strip().lower()
    if years := _YEARS.fullmatch(text):
        return int(years[1]), int(years[1])
    if ends := _BIN.fullmatch(text):
        return (int(ends[1]), int(ends[2])) if int(ends[1]) <= int(ends[2]) else None
    if begin := _OPEN.fullmatch(text):
        return int(begin[1] or begin[2]), HIGHEST_AGE_YEARS
    return None


def is_bin(age_years: AgeRange | None) -> bool:
    """Whether the age is only known as a range."""
    return age_years is not None and age_years[0] != age_years[1]


def age_number(age_years: AgeRange) -> int:
    """The one number that the layout needs: the age, or the middle of its bin, rounded down."""
    low, high = age_years
    if high == HIGHEST_AGE_YEARS and is_bin(age_years):
        return min(low + OPEN_BIN_STEP_YEARS, HIGHEST_AGE_YEARS)
    return (low + high) // 2


def unusable_age(age_years: AgeRange | None, min_age_years: int, borders_years: tuple[int, ...]) -> str | None:
    """Why a face of this age cannot be used, as a message of the house's formula; None if it can.

    A bin must lie within one age group as a whole: its middle would be a guess otherwise. An unknown age can.
    """
    if age_years is None:
        return None
    low, high = age_years
    shown = f"{low} to {high}" if is_bin(age_years) else str(low)
    if low < LOWEST_AGE_YEARS or high > HIGHEST_AGE_YEARS:
        # A bin of infants begins at 0; it is refused for its age, not for its number.
        if high < min_age_years:
            return must("age", f"{min_age_years} or more", shown, "Leave it out, or lower --min-age.")
        rule = f"from {LOWEST_AGE_YEARS} to {HIGHEST_AGE_YEARS} years"
        return must("age", rule, shown, "Correct the label, or leave the photo out.")
    if low < min_age_years:
        return must("age", f"{min_age_years} or more", shown, "Leave it out, or lower --min-age.")
    for border in borders_years:
        if low < border <= high:
            rule = f"on one side of the age border {border}"
            return must("age bin", rule, shown, "Nothing can be done without a finer age.")
    return None
