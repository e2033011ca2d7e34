from __future__ import annotations

import numpy as np
import pytest

from maskwise.evaluation.evidence import People, age_evidence, gender_evidence, order_evidence, pooled
from maskwise.labels import Task
from maskwise.records import Floats

TASK = Task()
# Two people: two worn photos, an incorrect and a bare one; and one worn photo alone.
PEOPLE = People(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 2, 0]), 2)


def joint(mask_N3: Floats, female_N: Floats, age_N3: Floats) -> Floats:
    """Joint probabilities of independent attributes, by their product."""
    gender_N2 = np.column_stack([1 - female_N, female_N])
    return np.asarray(np.einsum("nm,ng,na->nmga", mask_N3, gender_N2, age_N3).reshape(len(mask_N3), 18))


EVEN = np.full((5, 3), 1 / 3)


def test_gender_is_the_mean_log_odds_of_masked_and_of_bare_photos() -> None:
    female_N = np.array([0.5, 0.75, 0.9, 0.99, 0.2])
    found_PF = gender_evidence(PEOPLE, TASK, joint(EVEN, female_N, EVEN))
    masked, bare = np.log(3) / 2, (np.log(9) + np.log(99)) / 2
    np.testing.assert_allclose(found_PF, [[masked, bare], [-np.log(4), -np.log(4)]])


def test_one_photo_cannot_say_everything() -> None:
    female_N = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    assert gender_evidence(PEOPLE, TASK, joint(EVEN, female_N, EVEN)).tolist() == [[6, -6], [6, 6]]


def test_ages_are_read_from_groups_and_years() -> None:
    age_N3 = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [0.2, 0.3, 0.5]])
    probs_NC = joint(EVEN, np.full(5, 0.5), age_N3)
    found_PF = age_evidence(PEOPLE, TASK, probs_NC, np.array([20.0, 30, 60, 40, 55]))
    np.testing.assert_allclose(found_PF, [[0.5, 0.5, 0, 0.5, 25, 50], [0.3, 0.3, 0.5, 0.5, 55, 55]])
    assert age_evidence(PEOPLE, TASK, probs_NC, None).shape == (2, 4)


def test_photos_in_order_speak_for_themselves_and_a_swap_takes_both() -> None:
    in_order_N3 = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.float64)
    rows = {"order": [2, 3], "swap": [3, 2], "one wrong": [2, 2]}
    # Nothing is misread where the photos are in order, so the lapse is the least: 2 %.
    sure = np.log((0.98 + 0.02 / 3) / (0.02 / 3))
    told = {}
    for name, (incorrect, normal) in rows.items():
        mask_N3 = in_order_N3[[0, 1, incorrect, normal, 4]]
        told[name] = order_evidence(PEOPLE, TASK, joint(mask_N3, np.full(5, 0.5), EVEN))
    assert told["order"][0] == pytest.approx(2 * sure)
    assert told["swap"][0] < 0
    assert told["one wrong"][0] == pytest.approx(0)
    assert all(np.isnan(values[1]) for values in told.values())  # has neither photo


def test_a_pooled_distribution_is_the_geometric_mean() -> None:
    probs_N2 = np.array([[0.5, 0.5], [0.8, 0.2], [0.5, 0.5], [0.8, 0.2], [0.1, 0.9]])
    found_P2 = pooled(PEOPLE, probs_N2)
    np.testing.assert_allclose(found_P2, [[2 / 3, 1 / 3], [0.1, 0.9]])
