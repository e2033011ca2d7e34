from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import rankdata
from sklearn.ensemble import VotingClassifier

from ensembles.conftest import random_probs
from maskwise.ensembles.votes import geometric_mean, hard_vote, rank_mean, soft_vote
from maskwise.records import Floats

THIRDS = np.full(3, 1 / 3)


def one_photo(*members: list[float]) -> Floats:
    return np.array(members)[:, None, :]


def test_soft_vote_by_hand() -> None:
    probs_RNC = one_photo([0.6, 0.4, 0.0], [0.1, 0.2, 0.7])
    np.testing.assert_allclose(soft_vote(probs_RNC, np.array([0.75, 0.25])), [[0.475, 0.35, 0.175]])


def test_hard_vote_by_hand() -> None:
    probs_RNC = one_photo([0.5, 0.4, 0.1], [0.4, 0.35, 0.25], [0.0, 0.9, 0.1])
    # Two votes for class 0 beat the higher mean probability (0.55) of class 1.
    combined_C = hard_vote(probs_RNC, THIRDS)[0]
    assert combined_C == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-3)
    assert combined_C[0] == pytest.approx(0.999 * 2 / 3 + 0.001 * 0.3)


def test_a_tied_hard_vote_goes_to_the_higher_mean_among_the_tied_only() -> None:
    # Classes 0 and 1 have one vote each; class 2 has the highest mean (0.45) but no vote; 0.29 beats 0.26.
    probs_RNC = one_photo([0.5, 0.02, 0.48], [0.02, 0.56, 0.42])
    assert soft_vote(probs_RNC, np.array([0.5, 0.5]))[0].argmax() == 2
    combined_C = hard_vote(probs_RNC, np.array([0.5, 0.5]))[0]
    assert combined_C.argmax() == 1
    assert combined_C == pytest.approx([0.5, 0.5, 0], abs=1e-3)


def test_the_hard_vote_is_that_of_counted_votes() -> None:
    probs_RNC = random_probs((5, 300, 4))
    votes_NC = np.stack([np.bincount(column, minlength=4) for column in probs_RNC.argmax(axis=2).T])
    decided_N = hard_vote(probs_RNC, np.full(5, 0.2)).argmax(axis=1)
    most_N = votes_NC.max(axis=1)
    assert np.all(votes_NC[np.arange(300), decided_N] == most_N)
    clear_N = (votes_NC == most_N[:, None]).sum(axis=1) == 1
    assert 50 < clear_N.sum() < 300
    mean_NC = np.where(votes_NC == most_N[:, None], probs_RNC.mean(axis=0, dtype=np.float64), -1)
    np.testing.assert_array_equal(decided_N, mean_NC.argmax(axis=1))


class Fixed:
    """A classifier whose probabilities are given, for scikit-learn's vote."""

    def __init__(self, probs_NC: Floats) -> None:
        self.probs_NC = probs_NC

    def predict_proba(self, _x: object) -> Floats:
        return self.probs_NC


def test_the_soft_vote_is_scikit_learns() -> None:
    probs_RNC = random_probs((3, 50, 4))
    weights_R = np.array([0.2, 0.5, 0.3])
    vote = VotingClassifier([(str(r), None) for r in range(3)], voting="soft", weights=weights_R.tolist())
    vote.estimators_ = [Fixed(probs_NC) for probs_NC in probs_RNC]
    np.testing.assert_allclose(soft_vote(probs_RNC, weights_R), vote.predict_proba(np.zeros((50, 1))), atol=1e-6)


def test_geometric_mean_by_hand() -> None:
    # sqrt(0.8 · 0.2) = 0.4 and sqrt(0.2 · 0.8) = 0.4; sqrt(0.9 · 0.4) : sqrt(0.1 · 0.6) = 6 : sqrt(6).
    np.testing.assert_allclose(geometric_mean(one_photo([0.8, 0.2], [0.2, 0.8]), np.full(2, 0.5)), [[0.5, 0.5]])
    expected = np.array([6, np.sqrt(6)]) / (6 + np.sqrt(6))
    np.testing.assert_allclose(geometric_mean(one_photo([0.9, 0.1], [0.4, 0.6]), np.full(2, 0.5)), [expected])


def test_the_geometric_mean_of_softmaxes_is_the_softmax_of_the_mean_logits() -> None:
    logits_RNC = np.random.default_rng(0).normal(size=(3, 30, 5)) * 4
    weights_R = np.array([0.2, 0.5, 0.3])
    expected_NC = softmax(np.tensordot(weights_R, logits_RNC, axes=1), axis=1)
    np.testing.assert_allclose(geometric_mean(softmax(logits_RNC, axis=2), weights_R), expected_NC, rtol=1e-9)


def test_members_that_rule_out_everything_between_them_still_get_a_prediction() -> None:
    combined_NC = geometric_mean(one_photo([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]), np.full(2, 0.5))
    np.testing.assert_allclose(combined_NC, [[0.5, 0.5, 0.0]], atol=1e-15)


def test_rank_mean_by_hand() -> None:
    one = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]  # ranks of class 0: 2, 1, 0
    two = [[0.5, 0.5], [0.7, 0.3], [0.3, 0.7]]  # ranks of class 0: 1, 2, 0
    # Mean ranks 1.5, 1.5, 0. Mean k-th smallest of class 0: 0.25, 0.55, 0.8; of class 1: 0.2, 0.45, 0.75.
    # Class 0 at 1.5, 1.5, 0 is 0.675, 0.675, 0.25; class 1 has ranks 0.5, 0.5, 2, so 0.325, 0.325, 0.75.
    expected = [[0.675, 0.325], [0.675, 0.325], [0.25, 0.75]]
    np.testing.assert_allclose(rank_mean(np.array([one, two]), np.full(2, 0.5)), expected)


def test_rank_mean_orders_each_class_by_the_mean_of_scipys_ranks() -> None:
    probs_RNC = random_probs((3, 60, 2)).round(1)  # many equal values
    combined_NC = rank_mean(probs_RNC, THIRDS)
    mean_rank_N = np.mean([rankdata(member_NC[:, 0]) for member_NC in probs_RNC], axis=0)
    order_N = np.argsort(mean_rank_N, kind="stable")
    assert np.all(np.diff(combined_NC[order_N, 0]) > -1e-9)
    assert len(set(mean_rank_N.tolist())) > 10


def test_only_the_order_that_a_member_gives_counts_for_whom_it_ranks_higher() -> None:
    logits_RN = np.random.default_rng(3).normal(size=(2, 80))
    timid_RN = logits_RN * np.array([[1.0], [0.01]])
    sure, timid = (1 / (1 + np.exp(-logits)) for logits in (logits_RN, timid_RN))
    one_N, other_N = (
        np.argsort(rank_mean(np.stack([p_RN, 1 - p_RN], axis=2), np.full(2, 0.5))[:, 0], kind="stable")
        for p_RN in (sure, timid)
    )
    np.testing.assert_array_equal(one_N, other_N)


def test_a_photo_alone_gets_its_soft_vote_from_rank_mean() -> None:
    probs_RNC = random_probs((3, 1, 5))
    np.testing.assert_allclose(rank_mean(probs_RNC, THIRDS), soft_vote(probs_RNC, THIRDS), rtol=1e-6)
