"""Rules on which photos are used: by hand, and what they refuse."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from maskwise.data.choose_photos import drop_ages, keep
from maskwise.data.config import DataConfig
from maskwise.errors import DataError
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES, PhotoGroup
from support.tables import people_table, photo_table


def test_drop_ages_by_hand_both_ends_included() -> None:
    ages = [26, 27, 29, 30, -1, 56, 57, 58, 59, 60]
    table = photo_table([0] * 10, [0] * 10, ages)
    dropped = [age for age, out in zip(ages, drop_ages(table, ((27, 29), (57, 59))), strict=True) if out]
    assert dropped == [27, 29, 57, 58, 59]


def test_drop_ages_never_parts_a_person_and_without_ranges_drops_nobody() -> None:
    table = people_table(50, np.random.default_rng(0))
    drop_N = drop_ages(table, ((20, 40),))
    assert 0 < drop_N.sum() < len(table)
    assert not set(table.person_N[drop_N]) & set(table.person_N[~drop_N])
    assert not drop_ages(table, ()).any()


def test_drop_ages_refuses_to_leave_nobody() -> None:
    table = photo_table([0, 0], [0, 1], [27, 29])
    with pytest.raises(DataError, match=r"leave somebody to train, got 'all 2 photos within \[\[27, 29\]\]"):
        drop_ages(table, ((27, 29),))
    assert drop_ages(table.take(np.arange(0)), ((27, 29),)).shape == (0,)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (PhotoGroup(mask="worn"), [0, 1, 4]),
        (PhotoGroup(mask="incorrect"), [2]),
        (PhotoGroup(gender="female"), [1, 3]),
        (PhotoGroup(mask="worn", gender="male"), [0]),
        (PhotoGroup(age_years=(30, 59)), [1, 2]),
        (PhotoGroup(mask="worn", age_years=(0, 59)), [0, 1]),
    ],
)
def test_keep_by_hand_and_unknown_fits_nothing(wanted: PhotoGroup, kept: list[int]) -> None:
    table = photo_table(mask=[0, 0, 1, 2, 0], gender=[0, 1, 0, 1, -1], age_years=[29, 30, 59, 60, -1])
    assert np.flatnonzero(keep(table, wanted)).tolist() == kept


def test_keep_refuses_to_keep_nothing() -> None:
    with pytest.raises(DataError, match=r"data\.only must .*, got .*worn.* for none of 2"):
        keep(photo_table([1, 2], [0, 0], [20, 20]), PhotoGroup(mask="worn"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"drop_ages_years": [[29, 27]]}', r"data\.drop_ages_years must be a rising list"),
        ('{"drop_ages_years": [[57, 59], [27, 29]]}', "rising"),
        ('{"drop_ages_years": [[27, 29], [29, 31]]}', "do not overlap"),
        ('{"drop_ages_years": [[-1, 3]]}', "rising"),
        ('{"only": {}}', "a group of photos must be given"),
        ('{"only": {"age_years": [40, 30]}}', "age_years of a group must be"),
        ('{"only": {"mask": "chin"}}', "worn"),
    ],
)
def test_nonsense_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DataConfig.model_validate_json(text)


def test_settings_come_back_from_json_and_name_the_tasks_own_words() -> None:
    config = DataConfig(drop_ages_years=((27, 29), (57, 59)), only=PhotoGroup(mask="worn", age_years=(18, 60)))
    assert DataConfig.model_validate_json(config.model_dump_json()) == config
    for field, words in (("mask", MASK_CLASSES), ("gender", GENDER_CLASSES)):
        literal, _ = get_args(PhotoGroup.model_fields[field].annotation)
        assert get_args(literal) == words
