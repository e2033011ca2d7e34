"""What every kind of ensemble promises."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ensembles.conftest import MakeMember, random_probs
from maskwise.ensembles.align import align
from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import EnsembleConfig
from maskwise.ensembles.cross_fit import cross_fitted, fit_weights
from maskwise.errors import DataError

KINDS = tuple(kind.model_fields["kind"].default for kind in get_args(get_args(EnsembleConfig)[0]))


def config_of(kind: str) -> EnsembleConfig:
    config: EnsembleConfig = TypeAdapter(EnsembleConfig).validate_python({"kind": kind})
    return config


def test_all_kinds_are_here() -> None:
    assert KINDS == ("soft_vote", "hard_vote", "weighted", "geometric_mean", "rank_mean")


@pytest.mark.parametrize("kind", KINDS)
def test_one_member_comes_back_unchanged(kind: str) -> None:
    ensemble = build_ensemble(config_of(kind))
    probs_RNC = random_probs((1, 50, 4))
    probs_RNC[0, 3] = probs_RNC[0, 7]  # equal rows share a rank
    weights_R = ensemble.fit(probs_RNC, np.zeros(50, np.int64))
    combined_NC = ensemble.combine(probs_RNC, weights_R)
    assert weights_R.tolist() == [1.0]
    np.testing.assert_array_equal(combined_NC.argmax(axis=1), probs_RNC[0].argmax(axis=1))
    if kind != "hard_vote":
        np.testing.assert_allclose(combined_NC, probs_RNC[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_probabilities_and_weights_shares(kind: str) -> None:
    ensemble = build_ensemble(config_of(kind))
    probs_RNC = random_probs((3, 40, 5))
    probs_RNC[0, 0], probs_RNC[1, 0] = np.eye(5)[1], np.eye(5)[2]  # two members rule out all that the other says
    weights_R = ensemble.fit(probs_RNC, np.random.default_rng(1).integers(0, 5, 40))
    combined_NC = ensemble.combine(probs_RNC, weights_R)
    assert weights_R.shape == (3,)
    assert np.all(weights_R >= 0)
    assert weights_R.sum() == pytest.approx(1, abs=1e-12)
    assert combined_NC.shape == (40, 5)
    assert combined_NC.dtype == np.float64
    assert np.all(combined_NC >= 0)
    np.testing.assert_allclose(combined_NC.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_members_and_photos_makes_no_difference(kind: str) -> None:
    ensemble = build_ensemble(config_of(kind))
    probs_RNC, target_N = random_probs((3, 40, 5)), np.random.default_rng(1).integers(0, 5, 40)
    weights_R = ensemble.fit(probs_RNC, target_N)
    combined_NC = ensemble.combine(probs_RNC, weights_R)
    other_R, other_N = np.array([2, 0, 1]), np.random.default_rng(2).permutation(40)
    mixed_RNC = probs_RNC[other_R][:, other_N]
    mixed_weights_R = ensemble.fit(mixed_RNC, target_N[other_N])
    np.testing.assert_allclose(mixed_weights_R, weights_R[other_R], atol=1e-9)
    np.testing.assert_allclose(ensemble.combine(mixed_RNC, mixed_weights_R), combined_NC[other_N], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_agree_are_predicted_as_they_say(kind: str) -> None:
    ensemble = build_ensemble(config_of(kind))
    one_NC = random_probs((20, 4))
    combined_NC = ensemble.combine(np.stack([one_NC] * 3), np.full(3, 1 / 3))
    np.testing.assert_array_equal(combined_NC.argmax(axis=1), one_NC.argmax(axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_no_photos_give_no_rows(kind: str) -> None:
    combine = build_ensemble(config_of(kind)).combine
    assert combine(random_probs((3, 0, 5)), np.full(3, 1 / 3)).shape == (0, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_that_are_not_held_out_are_refused(kind: str, make_member: MakeMember) -> None:
    ensemble = build_ensemble(config_of(kind))
    seen_N = np.array(["held_out"] * 89 + ["trained_on"], object)
    aligned = align([make_member(0, seen_N=seen_N), make_member(1, seen_N=seen_N)])
    with pytest.raises(DataError, match="ensemble weights must be held out"):
        fit_weights(ensemble, aligned)
    with pytest.raises(DataError, match="ensemble weights must be held out"):
        cross_fitted(ensemble, aligned, np.random.default_rng(0))


def test_the_room_needs_no_torch() -> None:
    code = "import sys, maskwise.ensembles.cross_fit; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("kind", KINDS)
@given(members=st.integers(1, 5), photos=st.integers(1, 20), seed=st.integers(0, 2**32 - 1), sharp=st.booleans())
@example(members=5, photos=15, seed=157, sharp=True)  # mean ranks fall where the values jump from 0
@settings(max_examples=30)
def test_any_members_make_probabilities_in_any_order(
    kind: str, members: int, photos: int, seed: int, sharp: bool
) -> None:
    """Also of members that are wholly sure, whose probabilities are 0 and 1."""
    probs_RNC, rng = random_probs((members, photos, 4), seed), np.random.default_rng(seed)
    if sharp:
        probs_RNC = np.eye(4)[probs_RNC.argmax(axis=2)]
    ensemble = build_ensemble(config_of(kind))
    weights_R = ensemble.fit(probs_RNC, rng.integers(0, 4, photos))
    combined_NC = ensemble.combine(probs_RNC, weights_R)
    assert combined_NC.min() >= 0
    np.testing.assert_allclose(combined_NC.sum(axis=1), 1, atol=1e-9)
    order_R = rng.permutation(members)
    np.testing.assert_allclose(ensemble.combine(probs_RNC[order_R], weights_R[order_R]), combined_NC, atol=1e-9)
