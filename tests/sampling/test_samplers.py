"""Every sampler: same seed, same list; and the class and person shares that it states, against counts by hand."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from maskwise.errors import DataError
from maskwise.labels import PhotoGroup
from maskwise.records import Ints, PhotoTable
from maskwise.sampling.build import build_sampling
from maskwise.sampling.config import (
    BalancedBatches,
    Natural,
    OversampleGroup,
    OversampleRandom,
    OversampleRare,
    SamplerConfig,
    UndersampleMasked,
    Weighted,
)
from maskwise.sampling.samplers import Sampler
from support.tables import people_table

MEMBERS: tuple[SamplerConfig, ...] = (
    Natural(),
    Weighted(),
    BalancedBatches(),
    OversampleRare(),
    OversampleRare(share=0.3),
    OversampleGroup(group=PhotoGroup(gender="male")),
    OversampleGroup(group=PhotoGroup(mask="not_worn", age_years=(60, 120)), share=0.2),
    OversampleRandom(factor=1.5),
    UndersampleMasked(),
    UndersampleMasked(photos_per_person=3, then=Weighted()),
    UndersampleMasked(photos_per_person=1, then=BalancedBatches()),
)
NEEDS_CLASSES = (Weighted(), BalancedBatches(), OversampleRare())
EXACT = (Natural(), OversampleRare(), OversampleRare(share=0.3), UndersampleMasked())
"""Every epoch has the class shares that the others have on average."""
SHOWS_EVERY_PHOTO = (Natural, OversampleRare, OversampleGroup, OversampleRandom)
EVEN_WITHIN_CLASSES = (Natural, BalancedBatches, OversampleRare)


def _ids(config: SamplerConfig) -> str:
    return f"{config.kind} {config.model_dump(exclude={'kind'}, exclude_none=True)}"


every_member = pytest.mark.parametrize("config", MEMBERS, ids=_ids)


def build_sampler(config: SamplerConfig) -> Sampler:
    return build_sampling(config).sample


def _table(train_class_N: Ints, person_N: Ints | None = None) -> PhotoTable:
    """Photos of known training classes; mask, gender and age are unknown."""
    n = len(train_class_N)
    person_N = np.arange(n) if person_N is None else person_N
    unknown_N = np.full(n, -1)
    return PhotoTable(
        photo_N=np.array([f"{k}.jpg" for k in range(n)], dtype=object),
        person_N=np.array([str(p) for p in person_N], dtype=object),
        mask_N=unknown_N,
        gender_N=unknown_N,
        age_years_N=unknown_N,
        origin_N=np.full(n, "", dtype=object),
        # Of another class than in training: samplers must go by the training class.
        class_N=np.zeros(n, dtype=np.int64),
        train_class_N=train_class_N,
    )


CLASSES = np.repeat([0, 3, 17], [700, 250, 50])
"""A thousand photos of three classes."""


def test_the_contract_covers_every_kind() -> None:
    assert {type(config) for config in MEMBERS} == set(get_args(get_args(SamplerConfig)[0]))


@every_member
def test_same_rng_same_list_and_legal_positions(config: SamplerConfig) -> None:
    sample, table = build_sampler(config), people_table(60, np.random.default_rng(0))
    index_M = sample(table, np.random.default_rng(4))
    np.testing.assert_array_equal(index_M, sample(table, np.random.default_rng(4)))
    other_M = sample(table, np.random.default_rng(5))
    assert len(other_M) == len(index_M), "every epoch is as long as the others"
    assert np.any(index_M != other_M)
    assert np.issubdtype(index_M.dtype, np.integer)
    assert index_M.min() >= 0
    assert index_M.max() < len(table)
    assert len(sample(table.take(np.arange(0)), np.random.default_rng(0))) == 0


@every_member
def test_the_order_is_not_that_of_the_table(config: SamplerConfig) -> None:
    table = people_table(60, np.random.default_rng(0))
    index_M = build_sampler(config)(table, np.random.default_rng(1))
    # Spearman's correlation of position and photo: five standard errors of shuffled samples.
    assert abs(stats.spearmanr(np.arange(len(index_M)), index_M).statistic) < 5 / np.sqrt(len(index_M))


@every_member
def test_photos_are_shown_as_evenly_as_stated(config: SamplerConfig) -> None:
    table = people_table(60, np.random.default_rng(0))
    samples_N = np.bincount(build_sampler(config)(table, np.random.default_rng(2)), minlength=len(table))
    if isinstance(config, SHOWS_EVERY_PHOTO):
        assert samples_N.min() >= 1
    if config == UndersampleMasked():
        assert samples_N.max() == 1
    if isinstance(config, EVEN_WITHIN_CLASSES):
        for code in np.unique(table.train_class_N):
            assert np.ptp(samples_N[table.train_class_N == code]) <= 1


@every_member
def test_every_photo_is_shown_as_often_as_promised_on_average(config: SamplerConfig) -> None:
    epochs, table = 400, people_table(40, np.random.default_rng(0))
    sample, times_shown = build_sampling(config)
    rng, promised_N = np.random.default_rng(7), times_shown(table)
    shown_EN = np.array([np.bincount(sample(table, rng), minlength=len(table)) for _ in range(epochs)])
    # Five standard errors of each photo's mean; the least variance is that of a fraction of a time.
    error_N = np.sqrt(np.maximum(shown_EN.var(axis=0), 0.01) / epochs)
    assert np.all(np.abs(shown_EN.mean(axis=0) - promised_N) < 5 * error_N)
    assert promised_N.sum() == pytest.approx(shown_EN[0].sum())
    shown_C, promised_C = (
        np.bincount(table.train_class_N, times_N, minlength=18) for times_N in (shown_EN[0], promised_N)
    )
    if config in EXACT:
        np.testing.assert_allclose(shown_C, promised_C)
    if getattr(config, "then", config).kind in ("weighted", "balanced_batches"):
        present_K = promised_C[promised_C > 0]
        np.testing.assert_allclose(present_K, present_K.mean())
    assert len(times_shown(table.take(np.arange(0)))) == 0


def test_the_promise_by_hand() -> None:
    """Two photos of class 0 and one of class 1: three samples, 1.5 of each class."""
    table = _table(np.array([0, 1, 0]))
    assert build_sampling(Weighted()).times_shown(table).tolist() == [0.75, 1.5, 0.75]
    assert build_sampling(OversampleRare()).times_shown(table).tolist() == [1, 2, 1]
    assert build_sampling(OversampleRandom(factor=2)).times_shown(table).tolist() == [2, 2, 2]
    # Two of person 0's three worn masks, person 1's one: three of them and the one without, classes evenly.
    person_N, mask_N = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 2])
    table = dataclasses.replace(_table(np.array([0, 0, 0, 0, 1]), person_N), mask_N=mask_N)
    config = UndersampleMasked(photos_per_person=2)
    np.testing.assert_allclose(build_sampling(config).times_shown(table), [2 / 3, 2 / 3, 2 / 3, 1, 1])
    evenly = UndersampleMasked(photos_per_person=2, then=Weighted())
    np.testing.assert_allclose(build_sampling(evenly).times_shown(table), [4 / 9, 4 / 9, 4 / 9, 2 / 3, 2])


@pytest.mark.parametrize("config", NEEDS_CLASSES, ids=_ids)
def test_photos_without_a_class_are_refused_where_classes_count(config: SamplerConfig) -> None:
    with pytest.raises(DataError, match=r"known class, got '1 of 3 without one'"):
        build_sampler(config)(_table(np.array([0, -1, 2])), np.random.default_rng(0))


def test_natural_keeps_class_and_person_shares_exactly() -> None:
    index_M = build_sampler(Natural())(_table(CLASSES), np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(index_M), np.arange(1000))
    assert np.bincount(CLASSES[index_M])[[0, 3, 17]].tolist() == [700, 250, 50]


@pytest.mark.parametrize("config", [Weighted(), BalancedBatches()], ids=_ids)
def test_equal_class_shares_and_the_person_shares_that_follow(config: SamplerConfig) -> None:
    rng = np.random.default_rng(0)
    # Person 1 has 350 of the 700 photos of class 0 and all 50 of class 17: 1/3 · 1/2 + 1/3 = 1/2 of the samples.
    person_N = np.where((np.arange(1000) < 350) | (CLASSES == 17), 1, 2)
    table = _table(CLASSES, person_N)
    sample = build_sampler(config)
    index_M = np.concatenate([sample(table, rng) for _ in range(50)])
    assert len(index_M) == 50_000
    share_C = np.bincount(CLASSES[index_M])[[0, 3, 17]] / len(index_M)
    # Five standard errors of a share of a third and of a half in 50,000 samples.
    assert np.all(np.abs(share_C - 1 / 3) < 5 * np.sqrt(2 / 9 / 50_000))
    assert abs(np.mean(person_N[index_M] == 1) - 0.5) < 5 * np.sqrt(0.25 / 50_000)


def test_weighted_shows_photos_of_a_class_alike() -> None:
    rng = np.random.default_rng(1)
    table = _table(np.array([0, 0, 0, 0, 1]))
    samples = np.concatenate([build_sampler(Weighted())(table, rng) for _ in range(4000)])
    share_N = np.bincount(samples, minlength=5) / len(samples)
    np.testing.assert_allclose(share_N, [0.125] * 4 + [0.5], atol=0.02)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 32, 500])
def test_every_stretch_of_balanced_batches_is_as_even_as_can_be(block: int) -> None:
    table = _table(np.repeat([0, 1, 3, 4, 17], [600, 200, 150, 45, 5]))
    index_M = build_sampler(BalancedBatches())(table, np.random.default_rng(3))
    one_hot_MK = table.train_class_N[index_M][:, None] == np.array([0, 1, 3, 4, 17])
    total_MK = np.vstack([np.zeros(5, dtype=np.int64), np.cumsum(one_hot_MK, axis=0)])
    counts_BK = total_MK[block:] - total_MK[:-block]
    assert np.ptp(counts_BK, axis=1).max() == (0 if block % 5 == 0 else 1)


def test_balanced_batches_show_as_many_photos_of_a_class_as_there_is_room_for() -> None:
    # 10 photos, two classes of 8 and 2, five samples each: five different ones; the two 3 and 2 times.
    samples_N = np.bincount(
        build_sampler(BalancedBatches())(_table(np.repeat([0, 1], [8, 2])), np.random.default_rng(0))
    )
    assert sorted(samples_N[:8]) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert sorted(samples_N[8:]) == [2, 3]


@pytest.mark.parametrize(
    ("share", "samples"),
    # Of the largest class's 700: all of it, half of it, a tenth; classes above stay as they are.
    [(1.0, [700, 700, 700]), (0.5, [700, 350, 350]), (0.1, [700, 250, 70]), (0.05, [700, 250, 50])],
)
def test_oversample_rare_by_hand(share: float, samples: list[int]) -> None:
    index_M = build_sampler(OversampleRare(share=share))(_table(CLASSES), np.random.default_rng(0))
    assert np.bincount(CLASSES[index_M])[[0, 3, 17]].tolist() == samples
    samples_N = np.bincount(index_M, minlength=1000)
    assert samples_N[CLASSES == 17].tolist().count(-(-samples[2] // 50)) >= 1
    assert samples_N[CLASSES == 17].min() == samples[2] // 50


def test_oversample_rare_on_the_competitions_classes_makes_73530_samples() -> None:
    photos_C = [2745, 2050, 415, 3660, 4085, 545, *(549, 410, 83, 732, 817, 109) * 2]
    table = _table(np.repeat(np.arange(18), photos_C))
    assert len(table) == 18_900
    assert len(build_sampler(OversampleRare())(table, np.random.default_rng(0))) == 18 * 4085 == 73_530


def _men_and_women(men: int, women: int) -> PhotoTable:
    gender_N = np.repeat([0, 1], [men, women])
    return dataclasses.replace(_table(np.zeros(men + women, dtype=np.int64)), gender_N=gender_N)


@pytest.mark.parametrize(
    ("men", "women", "share", "samples_of_men"),
    # 30 / (30 + 30); 90 / (90 + 30); 10 are 10 of 40 already, more than a fifth; nobody else: each once.
    [(10, 30, 0.5, 30), (10, 30, 0.75, 90), (10, 30, 0.2, 10), (10, 0, 0.5, 10)],
)
def test_oversample_group_by_hand(men: int, women: int, share: float, samples_of_men: int) -> None:
    table = _men_and_women(men, women)
    index_M = build_sampler(OversampleGroup(group=PhotoGroup(gender="male"), share=share))(
        table, np.random.default_rng(0)
    )
    samples_N = np.bincount(index_M, minlength=len(table))
    assert samples_N[:men].tolist() == [samples_of_men // men] * men
    assert samples_N[men:].tolist() == [1] * women


def test_a_group_is_what_fits_all_that_is_said_and_unknown_fits_nothing() -> None:
    table = dataclasses.replace(
        _table(np.zeros(6, dtype=np.int64)),
        mask_N=np.array([2, 2, 2, 1, 2, 2]),
        gender_N=np.array([1, 1, 0, 1, -1, 1]),
        age_years_N=np.array([60, 58, 60, 60, 60, -1]),
    )
    config = OversampleGroup(group=PhotoGroup(mask="not_worn", gender="female", age_years=(59, 60)), share=0.5)
    samples_N = np.bincount(build_sampler(config)(table, np.random.default_rng(0)), minlength=6)
    assert samples_N.tolist() == [5, 1, 1, 1, 1, 1]
    with pytest.raises(DataError, match=r"sampling.group must .*, got 'none of 6 .*male"):
        build_sampler(OversampleGroup(group=PhotoGroup(mask="worn", gender="male")))(table, np.random.default_rng(0))


def test_oversample_random_is_every_photo_once_and_uniform_samples() -> None:
    sample, table = build_sampler(OversampleRandom(factor=2.5)), _table(CLASSES)
    index_M = sample(table, np.random.default_rng(0))
    assert len(index_M) == 2500
    again_N = np.bincount(index_M) - 1
    # χ² test of the 1,500 samples with replacement against equal chances.
    assert stats.chisquare(again_N).pvalue > 1e-4
    assert again_N.max() > 2, "with replacement, some photo of a thousand comes up more often than the mean 1.5"


def test_undersample_masked_by_hand() -> None:
    # Person 0: three worn, one not; person 1: one worn; person 2: no worn mask, one incorrect, one unknown.
    table = dataclasses.replace(
        _table(np.zeros(7, dtype=np.int64), np.array([0, 1, 0, 2, 0, 0, 2])), mask_N=np.array([0, 0, 0, 1, 2, 0, -1])
    )
    sample = build_sampler(UndersampleMasked(photos_per_person=2))
    epochs = [sorted(sample(table, np.random.default_rng(seed)).tolist()) for seed in range(300)]
    worn_of_0 = [tuple(k for k in epoch if k in (0, 2, 5)) for epoch in epochs]
    assert all(set(epoch) - {0, 2, 5} == {1, 3, 4, 6} and len(epoch) == 6 for epoch in epochs)
    # Each pair of the three has a third of the epochs: five standard errors.
    for pair in [(0, 2), (0, 5), (2, 5)]:
        assert abs(worn_of_0.count(pair) / 300 - 1 / 3) < 5 * np.sqrt(2 / 9 / 300)


@pytest.mark.parametrize("photos", [1, 2, 5, 9])
def test_undersample_masked_keeps_exact_person_and_class_shares(photos: int) -> None:
    table = people_table(40, np.random.default_rng(0))
    shown = table.take(build_sampler(UndersampleMasked(photos_per_person=photos))(table, np.random.default_rng(1)))
    _, counts_P = np.unique(shown.person_N.astype(str), return_counts=True)
    assert counts_P.tolist() == [min(photos, 5) + 2] * 40
    assert np.bincount(shown.mask_N).tolist() == [40 * min(photos, 5), 40, 40]


def test_undersample_masked_refuses_photos_without_masks() -> None:
    with pytest.raises(DataError, match=r"worn masks must .*, got 'none of 2'"):
        build_sampler(UndersampleMasked())(_table(np.array([0, 1])), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"kind": "oversample_group"}', "Field required"),
        ('{"kind": "oversample_group", "group": {}}', "a group of photos must be given"),
        ('{"kind": "oversample_group", "group": {"age_years": [60, 50]}}', "must be the youngest"),
        ('{"kind": "oversample_group", "group": {"gender": "man"}}', "male"),
        ('{"kind": "oversample_group", "group": {"gender": "male"}, "share": 1}', "less than 1"),
        ('{"kind": "oversample_rare", "share": 0}', "greater than 0"),
        ('{"kind": "oversample_random", "factor": 1}', "greater than 1"),
        ('{"kind": "undersample_masked", "photos_per_person": 0}', "greater than or equal to 1"),
    ],
)
def test_settings_without_sense_are_refused(text: str, words: str) -> None:
    adapter: TypeAdapter[SamplerConfig] = TypeAdapter(SamplerConfig)
    with pytest.raises(ValidationError, match=words):
        adapter.validate_json(text)


@every_member
@given(people=st.integers(3, 25), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_on_any_people_the_list_is_legal_and_that_of_its_seed(config: SamplerConfig, people: int, seed: int) -> None:
    table = people_table(people, np.random.default_rng(seed))
    if isinstance(config, OversampleGroup) and not config.group.members(table).any():
        return
    draw = build_sampler(config)
    index_M, again_M = (draw(table, np.random.default_rng(seed)) for _ in range(2))
    assert index_M.tolist() == again_M.tolist()
    assert set(index_M.tolist()) <= set(range(len(table)))
    if isinstance(config, SHOWS_EVERY_PHOTO):
        assert set(index_M.tolist()) == set(range(len(table)))
