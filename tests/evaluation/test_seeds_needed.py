from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from evaluation.conftest import MakePredictions
from maskwise.evaluation.seeds_needed import Z_INTERVAL, Z_POWER, describe_seeds, plan_seeds, seeds_needed, variances
from maskwise.evaluation.shared_photos import align_arms
from maskwise.labels import Task
from maskwise.records import Floats

TASK = Task(attributes=("mask",))


def drawn(gain_S: Floats, people: float, own: float, resamples: int = 20_000) -> Floats:
    """Resampled gains: a part that all pairs share, of variance ``people``, and one of their own."""
    rng = np.random.default_rng(0)
    shared_R = rng.normal(0, math.sqrt(people), resamples)
    return np.asarray(gain_S + shared_R[:, None] + rng.normal(0, math.sqrt(own), (resamples, len(gain_S))))


def test_the_quantiles_are_those_of_the_normal() -> None:
    assert pytest.approx(norm.ppf(0.975), abs=1e-6) == Z_INTERVAL
    assert pytest.approx(norm.ppf(0.8), abs=1e-6) == Z_POWER


def test_the_variances_are_found_again() -> None:
    gain_S = np.array([0.01, 0.02, 0.06])
    people, seeds = variances(gain_S, drawn(gain_S, 4e-4, 1e-4))
    assert people == pytest.approx(4e-4, rel=0.05)
    assert seeds == pytest.approx(np.var(gain_S, ddof=1))
    people, seeds = variances(gain_S[:1], drawn(gain_S[:1], 4e-4, 1e-4))
    assert people == pytest.approx(5e-4, rel=0.05)
    assert math.isnan(seeds)


def test_the_number_of_seeds_by_hand() -> None:
    # Gains 0.02 and 0.06: mean 0.04, variance 8e-4. With no variance by people n = 8e-4 · (2.8016 / 0.04)² = 3.92…
    gain_S = np.array([0.02, 0.06])
    plan = plan_seeds(gain_S, np.tile(gain_S, (10, 1)))
    assert plan.pairs_needed == math.ceil(8e-4 * ((Z_INTERVAL + Z_POWER) / 0.04) ** 2) == 4
    assert "about 4 a side (now 2)" in describe_seeds(plan)
    assert "0.040" in describe_seeds(plan)


def test_the_planned_number_reaches_the_power() -> None:
    """With n pairs the gain is found in 80 of 100 repetitions of the model that the formula states."""
    gain, people, seeds = 0.03, 5e-5, 8e-4
    gain_S = gain + np.array([-1, 1]) * math.sqrt(seeds / 2)
    plan = plan_seeds(gain_S, drawn(gain_S, people, 1e-4, 200_000))
    assert plan.pairs_needed is not None
    deviation = math.sqrt(people + seeds / plan.pairs_needed)
    found = np.random.default_rng(1).normal(gain, deviation, 20_000)
    assert 0.79 <= np.mean(found - 1.96 * deviation > 0) <= 0.84


def test_where_no_number_of_seeds_is_enough_people_are_asked_for() -> None:
    gain_S = np.array([0.01, 0.012])
    plan = plan_seeds(gain_S, drawn(gain_S, 4e-4, 1e-6))
    assert plan.pairs_needed is None
    assert plan.people_factor == pytest.approx(4e-4 / (0.011 / 2.8016) ** 2, rel=0.05)
    assert "times as many people would be needed" in describe_seeds(plan)


def test_other_outcomes_in_words() -> None:
    one = plan_seeds(np.array([0.05]), drawn(np.array([0.05]), 1e-6, 1e-6))
    assert "train 3 or more seeds a side" in describe_seeds(one)
    clear_S = np.array([0.100, 0.101, 0.099])
    assert "3 a side are enough" in describe_seeds(plan_seeds(clear_S, drawn(clear_S, 1e-6, 1e-6)))
    assert "no gain was seen" in describe_seeds(plan_seeds(np.zeros(2), np.zeros((5, 2))))


def test_runs_are_planned_for_by_their_gains(make_predictions: MakePredictions) -> None:
    a = [make_predictions(30, 2, seed=0, task=TASK)] * 2
    b = [make_predictions(30, 2, seed=0, task=TASK).take(np.random.default_rng(0).permutation(60))] * 2
    plan = seeds_needed(align_arms([a, b], TASK), np.random.default_rng(0), resamples=20)
    assert (plan.gain, plan.pairs, plan.people_variance, plan.seeds_variance) == (0.0, 2, 0.0, 0.0)
