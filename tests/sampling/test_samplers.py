from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.records import Ints, PhotoTable
from maskwise.sampling.build import build_sampler
from maskwise.sampling.config import Natural, SamplerConfig, Weighted

MEMBERS: tuple[type[Natural] | type[Weighted], ...] = get_args(get_args(SamplerConfig)[0])


def _table(train_class_N: Ints, person_N: Ints | None = None) -> PhotoTable:
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


@pytest.mark.parametrize("member", MEMBERS)
def test_same_rng_same_list_and_legal_positions(member: type[Natural] | type[Weighted]) -> None:
    draw = build_sampler(member())
    table = _table(CLASSES)
    index_M = draw(table, np.random.default_rng(4))
    np.testing.assert_array_equal(index_M, draw(table, np.random.default_rng(4)))
    assert np.any(index_M != draw(table, np.random.default_rng(5)))
    assert np.issubdtype(index_M.dtype, np.integer)
    assert index_M.min() >= 0
    assert index_M.max() < len(table)
    assert len(index_M) == len(table)
    assert len(draw(_table(CLASSES[:0]), np.random.default_rng(0))) == 0


def test_natural_keeps_class_and_person_shares_exactly() -> None:
    index_M = build_sampler(Natural())(_table(CLASSES), np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(index_M), np.arange(1000))
    assert np.bincount(CLASSES[index_M])[[0, 3, 17]].tolist() == [700, 250, 50]
    assert np.any(index_M != np.arange(1000))


def test_weighted_keeps_the_shares_that_it_states() -> None:
    rng = np.random.default_rng(0)
    # Person 1 has 350 of the 700 photos of class 0 and all 50 of class 17: 1/3 · 1/2 + 1/3 = 1/2 of the draws.
    person_N = np.where((np.arange(1000) < 350) | (CLASSES == 17), 1, 2)
    table = _table(CLASSES, person_N)
    draw = build_sampler(Weighted())
    index_M = np.concatenate([draw(table, rng) for _ in range(50)])
    share_C = np.bincount(CLASSES[index_M])[[0, 3, 17]] / len(index_M)
    # Five standard errors of a share of a third and of a half in 50,000 draws.
    assert np.all(np.abs(share_C - 1 / 3) < 5 * np.sqrt(2 / 9 / 50_000))
    assert abs(np.mean(person_N[index_M] == 1) - 0.5) < 5 * np.sqrt(0.25 / 50_000)


def test_weighted_shows_photos_of_a_class_alike() -> None:
    rng = np.random.default_rng(1)
    table = _table(np.array([0, 0, 0, 0, 1]))
    draws = np.concatenate([build_sampler(Weighted())(table, rng) for _ in range(4000)])
    share_N = np.bincount(draws, minlength=5) / len(draws)
    np.testing.assert_allclose(share_N, [0.125] * 4 + [0.5], atol=0.02)


def test_weighted_refuses_photos_without_a_class() -> None:
    with pytest.raises(DataError, match="1 of 3 without one"):
        build_sampler(Weighted())(_table(np.array([0, -1, 2])), np.random.default_rng(0))
