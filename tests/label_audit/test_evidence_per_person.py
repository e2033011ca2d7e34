from __future__ import annotations

import numpy as np

from maskwise.label_audit.evidence_per_person import (
    PhotosByPerson,
    age_evidence,
    gender_evidence,
    order_evidence,
    pooled_of_people,
)
from maskwise.labels import Task
from maskwise.records import Floats

TASK = Task()
# Two people: two worn photos, an incorrect and a bare one; and one worn photo alone.
PEOPLE = PhotosByPerson(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 2, 0]), 2)


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
    """Ten people with an incorrect and a bare photo, one of them swapped, one with one photo misread; one with none."""
    people = PhotosByPerson(np.append(np.repeat(np.arange(10), 2), 10), np.append(np.tile([1, 2], 10), 0), 11)
    read_N = np.append(np.tile([1, 2], 10), 0)
    read_N[[0, 1]] = 2, 1
    read_N[3] = 1
    probs_NC = joint(np.eye(3)[read_N], np.full(21, 0.5), np.full((21, 3), 1 / 3))
    found_P = order_evidence(people, TASK, probs_NC)
    lapse = 3 / 20  # of the twenty photos three are misread
    sure = np.log((1 - lapse + lapse / 3) / (lapse / 3))
    np.testing.assert_allclose(found_P[:10], [-2 * sure, 0, *[2 * sure] * 8], atol=1e-9)
    assert np.isnan(found_P[10])


def test_a_pooled_distribution_is_the_geometric_mean() -> None:
    probs_N2 = np.array([[0.5, 0.5], [0.8, 0.2], [0.5, 0.5], [0.8, 0.2], [0.1, 0.9]])
    found_P2 = pooled_of_people(PEOPLE, probs_N2)
    np.testing.assert_allclose(found_P2, [[2 / 3, 1 / 3], [0.1, 0.9]])
