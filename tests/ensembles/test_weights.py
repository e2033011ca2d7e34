from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from ensembles.conftest import MakeMember, random_probs
from maskwise.ensembles.align import align
from maskwise.ensembles.votes import soft_vote
from maskwise.ensembles.weights import equal_weights, mixture_weights
from maskwise.errors import DataError
from maskwise.evaluation.metrics import log_loss
from maskwise.records import Floats


def two_class(*true_of_member: list[float]) -> Floats:
    """Members of given probability for the true class 0."""
    true_RN = np.array(true_of_member)
    return np.stack([true_RN, 1 - true_RN], axis=2)


def test_equal_weights_by_hand() -> None:
    assert equal_weights(random_probs((4, 3, 2)), np.zeros(3, np.int64)).tolist() == [0.25] * 4


def test_one_step_by_hand() -> None:
    # Mixtures 0.5 and 0.5; gains (0.8 + 0.4) / 2 / 0.5 = 1.2 and (0.2 + 0.6) / 2 / 0.5 = 0.8.
    weights_R = mixture_weights(two_class([0.8, 0.4], [0.2, 0.6]), np.zeros(2, np.int64), steps_at_most=1)
    assert weights_R == pytest.approx([0.6, 0.4])


def test_the_best_weights_by_hand() -> None:
    # Slope at w: 0.6 / (0.2 + 0.6 w) = 0.2 / (0.6 - 0.2 w) where w = 4/3, outside: all to the first member.
    probs_RNC = two_class([0.8, 0.4], [0.2, 0.6])
    assert mixture_weights(probs_RNC, np.zeros(2, np.int64)) == pytest.approx([1, 0], abs=1e-3)
    # Mirror images share evenly.
    probs_RNC = two_class([0.9, 0.3], [0.3, 0.9])
    assert mixture_weights(probs_RNC, np.zeros(2, np.int64)) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("skills", [(1.0, 1.0, 1.0), (0.2, 1.5, 0.8), (3.0, 0.0, 0.1)])
def test_weights_agree_with_scipys_optimizer(skills: tuple[float, ...], make_member: MakeMember) -> None:
    aligned = align([make_member(seed, skill) for seed, skill in enumerate(skills)])
    probs_RNC, target_N = aligned.probs_RNC, aligned.common.class_N

    def loss(weights_R: Floats) -> float:
        return log_loss(target_N, soft_vote(probs_RNC, weights_R))

    weights_R = mixture_weights(probs_RNC, target_N, tolerance_nats=1e-9, steps_at_most=100_000)
    found = minimize(
        loss,
        np.full(3, 1 / 3),
        method="SLSQP",
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda weights_R: weights_R.sum() - 1},
        options={"ftol": 1e-12},
    )
    assert loss(weights_R) <= found.fun + 1e-8
    np.testing.assert_allclose(weights_R, found.x, atol=1e-3)


def test_no_step_raises_the_log_loss_and_the_bound_holds(make_member: MakeMember) -> None:
    aligned = align([make_member(seed, skill) for seed, skill in enumerate((0.2, 1.5, 0.8))])
    probs_RNC, target_N = aligned.probs_RNC, aligned.common.class_N

    def loss_after(steps: int) -> float:
        weights_R = mixture_weights(probs_RNC, target_N, tolerance_nats=1e-12, steps_at_most=steps)
        return log_loss(target_N, soft_vote(probs_RNC, weights_R))

    losses = [loss_after(steps) for steps in range(1, 40)]
    assert np.all(np.diff(losses) <= 1e-12)
    best = loss_after(50_000)
    for tolerance in (1e-2, 1e-4):
        weights_R = mixture_weights(probs_RNC, target_N, tolerance_nats=tolerance)
        assert best - 1e-9 <= log_loss(target_N, soft_vote(probs_RNC, weights_R)) <= best + tolerance


def test_a_better_member_weighs_more_and_a_useless_one_nothing(make_member: MakeMember) -> None:
    aligned = align([make_member(seed, skill, n_people=200) for seed, skill in enumerate((2.0, 1.6, -0.5))])
    weights_R = mixture_weights(aligned.probs_RNC, aligned.common.class_N)
    assert weights_R[0] > weights_R[1] > 0.05
    assert weights_R[2] < 0.05


def test_a_member_that_rules_out_the_truth_is_survived() -> None:
    probs_RNC = two_class([0.0, 0.0, 0.9], [0.0, 0.8, 0.7])
    weights_R = mixture_weights(probs_RNC, np.zeros(3, np.int64))
    assert np.all(np.isfinite(weights_R))
    assert weights_R[1] > weights_R[0]


def test_photos_without_a_class_or_no_photos_are_refused() -> None:
    with pytest.raises(DataError, match=r"known class \(0 to 3\), got 1 of 2 without one"):
        mixture_weights(random_probs((2, 2, 4)), np.array([0, -1]))
    with pytest.raises(DataError, match="got no photos"):
        mixture_weights(random_probs((2, 0, 4)), np.zeros(0, np.int64))
