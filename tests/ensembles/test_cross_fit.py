from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ensembles.conftest import MakeMember
from maskwise.ensembles.align import Aligned, align
from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import RankMean, SoftVote, WeightedVote
from maskwise.ensembles.cross_fit import combine, cross_fitted, fit_weights
from maskwise.errors import DataError
from maskwise.evaluation.run_counts import person_groups

WEIGHTED = build_ensemble(WeightedVote())


@pytest.fixture
def aligned(make_member: MakeMember) -> Aligned:
    return align([make_member(seed, skill) for seed, skill in enumerate((0.3, 1.0, 0.6))])


def test_a_persons_own_truth_never_touches_their_predictions(aligned: Aligned) -> None:
    predictions, weights_KR = cross_fitted(WEIGHTED, aligned, np.random.default_rng(0))
    assert weights_KR.shape == (5, 3)
    person = aligned.common.person_N[0]
    theirs_N = aligned.common.person_N == person
    wrong_N = np.where(theirs_N, (aligned.common.class_N + 1) % 6, aligned.common.class_N)
    turned = aligned._replace(common=dataclasses.replace(aligned.common, class_N=wrong_N))
    again, _ = cross_fitted(WEIGHTED, turned, np.random.default_rng(0))
    np.testing.assert_array_equal(again.probs_NC[theirs_N], predictions.probs_NC[theirs_N])
    assert not np.allclose(again.probs_NC[~theirs_N], predictions.probs_NC[~theirs_N], atol=1e-6)
    assert not np.allclose(fit_weights(WEIGHTED, turned), fit_weights(WEIGHTED, aligned), atol=1e-6)


def test_each_group_has_the_weights_of_all_others(aligned: Aligned) -> None:
    predictions, weights_KR = cross_fitted(WEIGHTED, aligned, np.random.default_rng(3))
    group_N = person_groups(aligned.common, np.random.default_rng(3), 5)
    for group in range(5):
        others_N = group_N != group
        weights_R = WEIGHTED.fit(aligned.probs_RNC[:, others_N], aligned.common.class_N[others_N])
        np.testing.assert_allclose(weights_KR[group], weights_R)
        expected_NC = np.tensordot(weights_R, aligned.probs_RNC[:, ~others_N], axes=1)
        np.testing.assert_allclose(predictions.probs_NC[~others_N], expected_NC)


@pytest.mark.parametrize("config", [SoftVote(), RankMean()])
def test_where_nothing_is_fitted_the_predictions_are_the_plain_ones(
    config: SoftVote | RankMean, aligned: Aligned
) -> None:
    ensemble = build_ensemble(config)
    plain = combine(ensemble, aligned, fit_weights(ensemble, aligned))
    np.testing.assert_allclose(cross_fitted(ensemble, aligned, np.random.default_rng(0))[0].probs_NC, plain.probs_NC)


def test_groups_keep_people_whole_and_alike_in_number(make_member: MakeMember) -> None:
    member = make_member(0, n_people=32)
    group_N = person_groups(member, np.random.default_rng(0), 5)
    group_of = dict(zip(member.person_N, group_N, strict=True))
    assert all(group_of[person] == group for person, group in zip(member.person_N, group_N, strict=True))
    assert sorted(np.bincount(list(group_of.values()))) == [6, 6, 6, 7, 7]
    order_N = np.random.default_rng(1).permutation(len(member))
    np.testing.assert_array_equal(person_groups(member.take(order_N), np.random.default_rng(0), 5), group_N[order_N])


def test_few_people_make_fewer_groups_and_one_is_refused(make_member: MakeMember) -> None:
    three = align([make_member(0, n_people=3), make_member(1, n_people=3)])
    assert cross_fitted(WEIGHTED, three, np.random.default_rng(0))[1].shape == (3, 2)
    one = align([make_member(0, n_people=1)])
    with pytest.raises(DataError, match=r"at least two, in two groups or more, got 1 in 5 groups"):
        cross_fitted(WEIGHTED, one, np.random.default_rng(0))


def test_photos_without_a_person_count_as_their_own(make_member: MakeMember) -> None:
    nobody = make_member(0, person_N=np.full(90, "", object))
    assert np.bincount(person_groups(nobody, np.random.default_rng(0), 5)).tolist() == [18] * 5
