from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from evaluation.conftest import MakePredictions
from maskwise.errors import DataError
from maskwise.evaluation.comparison import compare
from maskwise.evaluation.ranking import compare_all, rank_arms, rank_by_pairs
from maskwise.evaluation.shared_photos import align_arms
from maskwise.labels import Task
from maskwise.records import Floats, Predictions
from maskwise.score import Score

TASK = Task(attributes=("mask", "gender"))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def worse(run: Predictions, share: float, seed: int = 0) -> Predictions:
    """The same with the classes of ``share`` of the photos moved on by one."""
    spoiled_N = rng(seed).random(len(run)) < share
    return dataclasses.replace(
        run, probs_NC=np.where(spoiled_N[:, None], np.roll(run.probs_NC, 1, axis=1), run.probs_NC)
    )


def drawn(seen_A: Floats, deviation: float, resamples: int, seed: int = 0) -> Floats:
    """Independent normal scores around ``seen_A``."""
    return np.asarray(seen_A[:, None] + rng(seed).normal(0, deviation, (len(seen_A), resamples)))


def test_two_arms_have_the_interval_of_one_normal_difference() -> None:
    seen_A = np.array([0.5, 0.55])
    (pair,) = compare_all(seen_A, drawn(seen_A, 0.01, 200_000))
    half = norm.ppf(0.975) * 0.01 * np.sqrt(2)
    assert (pair.better, pair.worse) == (1, 0)
    assert (pair.gain.value, pair.gain.low, pair.gain.high) == pytest.approx((0.05, 0.05 - half, 0.05 + half), abs=2e-4)


def test_many_pairs_widen_the_intervals_as_tukeys_range_does() -> None:
    """Three equal normal means: 95 % of the studentized range over √2 is 2.344 (infinite degrees of freedom)."""
    seen_A = np.array([0.5, 0.5, 0.5])
    pairs = compare_all(seen_A, drawn(seen_A, 0.01, 200_000))
    assert len(pairs) == 3
    for pair in pairs:
        assert pair.gain.high == pytest.approx(2.344 * 0.01 * np.sqrt(2), rel=0.01)
        assert pair.p_value > 0.9


def test_no_pair_of_equal_arms_is_separated_in_19_of_20_sets() -> None:
    """The family-wise error over ten pairs, where intervals for one pair each would err far more often."""
    sure = 0
    for trial in range(300):
        seen_A = rng(trial).normal(0, 0.01, 5)
        sure += any(pair.gain.low > 0 for pair in compare_all(seen_A, drawn(seen_A, 0.01, 500, trial + 1000)))
    assert 0.02 <= sure / 300 <= 0.09


def test_intervals_and_p_values_say_the_same() -> None:
    seen_A = np.array([0.50, 0.515, 0.53, 0.60])
    for pair in compare_all(seen_A, drawn(seen_A, 0.007, 4000)):
        assert (pair.gain.low > 0) == (pair.p_value < 0.05)


def test_ranks_that_stay_open_by_hand() -> None:
    """a is surely better than c alone; b against c is inconclusive: a 1–2, b 1–3, c 2–3."""
    seen_A = np.array([0.6, 0.5, 0.4])
    pairs = compare_all(seen_A, drawn(seen_A, 0.05, 4000))
    assert [(pair.better, pair.worse) for pair in pairs if pair.gain.low > 0] == [(0, 2)]
    ranks = {arm.arm: (arm.rank_low, arm.rank_high) for arm in rank_by_pairs(seen_A, pairs)}
    assert ranks == {0: (1, 2), 1: (1, 3), 2: (2, 3)}


def test_arms_are_ranked_by_their_own_scores(make_predictions: MakePredictions) -> None:
    best = make_predictions(80, photos_each=2, task=TASK)
    arms = [[worse(best, 0.6)], [best], [worse(best, 0.02)], [best.take(rng().permutation(160))]]
    found = rank_arms(align_arms(arms, TASK), rng(), resamples=500)
    assert (found.n_photos, found.n_people) == (160, 80)
    assert [arm.arm for arm in found.arms] == [1, 3, 2, 0]
    assert found.arms[-1].rank_low == found.arms[-1].rank_high == 4
    twins = next(pair for pair in found.pairs if {pair.better, pair.worse} == {1, 3})
    assert (twins.gain, twins.p_value) == (Score(0.0, 0.0, 0.0), 1.0)
    widest = next(pair for pair in found.pairs if {pair.better, pair.worse} == {1, 0})
    alone = compare(arms[0][0], best, TASK, rng(), resamples=500).joint.macro_f1.gain
    assert widest.gain.value == pytest.approx(alone.value)
    assert widest.gain.high - widest.gain.low > alone.high - alone.low


def test_seeds_are_averaged(make_predictions: MakePredictions) -> None:
    best = make_predictions(40, task=TASK)
    seeds = [worse(best, 0.2, seed) for seed in range(3)]
    found = rank_arms(align_arms([seeds, [best] * 3], TASK), rng(), resamples=50)
    singles = [compare(best, run, TASK, rng(), resamples=2).joint.macro_f1.b for run in seeds]
    assert found.arms[1].macro_f1 == pytest.approx(np.mean(singles))


def test_what_cannot_be_ranked_is_refused(make_predictions: MakePredictions) -> None:
    run = make_predictions(4, task=TASK)
    with pytest.raises(DataError, match="arms to rank must be two or more, got 1"):
        rank_arms(align_arms([[run]], TASK), rng())
    with pytest.raises(DataError, match="two or more people"):
        rank_arms(align_arms([[make_predictions(1, 3, task=TASK)]] * 2, TASK), rng())
