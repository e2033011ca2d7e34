from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sklearn.model_selection import StratifiedShuffleSplit

from maskwise.data.build import build_split
from maskwise.data.config import Everyone, HoldOut, KFold, SplitConfig
from maskwise.data.splits import hold_out, k_fold
from maskwise.errors import DataError
from maskwise.labels import Task
from maskwise.records import Ints, PhotoTable

COMPETITION = ((549, 410, 83), (732, 817, 109))
"""People by gender and age group."""


def _table(gender_P: Ints, age_P: Ints, mask_of_photo: tuple[int, ...] = (0, 0, 0, 0, 0, 1, 2)) -> PhotoTable:
    photos = len(mask_of_photo)
    n = len(gender_P) * photos
    person_P = np.array([f"{k:06d}" for k in range(len(gender_P))], dtype=object)
    empty = np.full(n, "", dtype=object)
    unlabeled = PhotoTable(
        photo_N=np.array([f"{k}" for k in range(n)], dtype=object),
        person_N=np.repeat(person_P, photos),
        mask_N=np.tile(mask_of_photo, len(gender_P)),
        gender_N=np.repeat(gender_P, photos),
        age_years_N=np.repeat(age_P, photos),
        origin_N=empty,
        class_N=np.full(n, -1),
        train_class_N=np.full(n, -1),
    )
    return Task().label(unlabeled)


def _people(counts: tuple[tuple[int, ...], ...]) -> PhotoTable:
    pairs = [(g, (20, 40, 60)[a]) for g in range(2) for a in range(3) for _ in range(counts[g][a])]
    gender_P, age_P = (np.array(column) for column in zip(*pairs, strict=True))
    return _table(gender_P, age_P)


def _assert_nobody_is_parted(table: PhotoTable, fold_N: Ints) -> None:
    pairs = set(zip(table.person_N, fold_N.tolist(), strict=True))
    assert len(pairs) == len(set(table.person_N))


def test_competition_folds_hold_alike_shares() -> None:
    table = _people(COMPETITION)
    fold_N = k_fold(table, np.random.default_rng(1))
    _assert_nobody_is_parted(table, fold_N)
    counts_FC = np.array([np.bincount(table.class_N[fold_N == fold], minlength=18) for fold in range(5)])
    # Folds differ by at most one person of each class; a person has five masked photos and one of each other kind.
    assert np.all(np.ptp(counts_FC[:, :6], axis=0) <= 5)
    assert np.all(np.ptp(counts_FC[:, 6:], axis=0) <= 1)
    assert counts_FC.sum(axis=0).tolist() == np.bincount(table.class_N).tolist()


def test_hold_out_agrees_with_scikit_learn_in_numbers() -> None:
    table = _people(COMPETITION)
    fold_N = hold_out(table, np.random.default_rng(1), share=0.2)
    _assert_nobody_is_parted(table, fold_N)
    assert set(fold_N.tolist()) == {-1, 0}
    group_P = table.class_N[::7] % 6
    ours_C = np.bincount(group_P[fold_N[::7] == 0], minlength=6)
    splitter = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    _, held_out = next(splitter.split(group_P, group_P))
    assert np.abs(ours_C - np.bincount(group_P[held_out], minlength=6)).max() <= 1
    assert ours_C.sum() == 540
    assert np.abs(ours_C - 0.2 * np.array([*COMPETITION[0], *COMPETITION[1]])).max() < 1


def test_quotas_worked_by_hand() -> None:
    # 3, 10 and 2 people; a share of 0.2 means 0.6, 2 and 0.4: 3 of 15 in all, and at least one of each.
    table = _people(((3, 10, 2), (0, 0, 0)))
    fold_P = hold_out(table, np.random.default_rng(5), share=0.2)[::7]
    age_P = table.age_years_N[::7]
    assert [int(np.sum((fold_P == 0) & (age_P == age))) for age in (20, 40, 60)] == [1, 2, 1]


def test_the_same_rng_gives_the_same_split_and_another_another() -> None:
    table = _people(((40, 40, 10), (40, 40, 10)))
    for split in (k_fold, hold_out):
        one, same, other = (split(table, np.random.default_rng(seed)) for seed in (3, 3, 4))
        np.testing.assert_array_equal(one, same)
        assert np.any(one != other)


def test_classes_of_too_few_people_are_named() -> None:
    table = _people(((9, 9, 4), (9, 9, 1)))
    with pytest.raises(DataError) as caught:
        build_split(KFold(folds=5), Task())(table, np.random.default_rng(0))
    assert len(caught.value.problems) == 6
    assert caught.value.problems[0].startswith("class 'worn · male · 60 and over' must ")
    assert "5 people for 5 folds, got 4." in caught.value.problems[0]
    with pytest.raises(DataError) as caught:
        build_split(HoldOut(), Task())(table, np.random.default_rng(0))
    assert [problem.split("'")[1] for problem in caught.value.problems] == [
        f"{mask} · female · 60 and over" for mask in ("worn", "incorrect", "not_worn")
    ]


def test_photos_without_a_class_are_refused() -> None:
    table = _people(((5, 5, 5), (5, 5, 5)))
    unknown = _table(np.full(3, -1), np.full(3, 20))
    with pytest.raises(DataError, match="21 of 21 without a class"):
        k_fold(unknown, np.random.default_rng(0))
    with pytest.raises(DataError, match="no photos"):
        hold_out(table.take(np.arange(0)), np.random.default_rng(0))


def test_everyone_holds_nobody_out_however_few_people_a_class_has() -> None:
    table = _people(((1, 5, 5), (5, 5, 1)))
    split = build_split(Everyone(), Task())
    assert split(table, np.random.default_rng(0)).tolist() == [-1] * len(table)
    with pytest.raises(DataError, match="no photos"):
        split(table.take(np.arange(0)), np.random.default_rng(0))


@pytest.mark.filterwarnings("error")
def test_a_person_with_a_rarer_class_of_his_own_is_no_obstacle() -> None:
    """People whose photos are incomplete make strata of one or two; their classes have people enough."""
    table = _people(((12, 12, 12), (12, 12, 12)))
    table = table.take(~((table.mask_N == 2) & np.isin(table.person_N, ["000000", "000030"])))
    fold_N = k_fold(table, np.random.default_rng(0))
    _assert_nobody_is_parted(table, fold_N)
    assert np.bincount(fold_N).min() > 90
    _assert_nobody_is_parted(table, hold_out(table, np.random.default_rng(0)))


def test_people_are_dealt_by_their_rarest_class() -> None:
    """A hundred people have worn and incorrect photos, ten of them one without a mask, too: two of these a fold."""
    table = _table(np.zeros(100, dtype=np.int64), np.full(100, 20), mask_of_photo=(0, 1, 2))
    rare = [f"{k:06d}" for k in range(0, 100, 10)]
    table = table.take((table.mask_N < 2) | np.isin(table.person_N, rare))
    for seed in range(4):
        fold_N = k_fold(table, np.random.default_rng(seed))
        assert np.bincount(fold_N[table.mask_N == 2]).tolist() == [2] * 5
        held_out_N = hold_out(table, np.random.default_rng(seed), share=0.2) == 0
        assert np.sum(held_out_N & (table.mask_N == 2)) == 2


def test_a_split_by_photo_is_refused_with_the_reason() -> None:
    with pytest.raises(ValidationError, match=r"0\.93 where the leaderboard"):
        TypeAdapter(SplitConfig).validate_python({"kind": "by_photo"})
    chosen = TypeAdapter(SplitConfig).validate_python({"kind": "k_fold", "folds": 3})
    assert chosen == KFold(folds=3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n_people=st.integers(1, 60), folds=st.integers(2, 6), share=st.floats(0.05, 0.95))
def test_nobody_is_parted_whatever_the_table(seed: int, n_people: int, folds: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    table = _table(rng.integers(0, 2, n_people), rng.integers(15, 70, n_people))
    table = table.take(rng.permutation(len(table))[: max(1, len(table) - int(rng.integers(0, 40)))])
    people_of = [len(set(table.person_N[table.class_N == c])) for c in np.unique(table.class_N)]
    splits = ((build_split(KFold(folds=folds), Task()), folds), (build_split(HoldOut(share=share), Task()), 2))
    for split, fewest in splits:
        if min(people_of) < fewest:
            with pytest.raises(DataError, match="must be of at least"):
                split(table, rng)
            continue
        fold_N = split(table, rng)
        _assert_nobody_is_parted(table, fold_N)
        assert len(set(fold_N.tolist())) == fewest


def test_a_large_table_is_split_in_seconds() -> None:
    rng = np.random.default_rng(0)
    table = _table(rng.integers(0, 2, 30_000), rng.integers(15, 70, 30_000))
    begin = time.process_time()
    k_fold(table, rng)
    hold_out(table, rng)
    assert time.process_time() - begin < 5
