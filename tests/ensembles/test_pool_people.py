"""Gender and age pooled over a person's photos; the mask stays each photo's own."""

from __future__ import annotations

import numpy as np

from maskwise.ensembles.pool_people import pool_people, pooled
from maskwise.labels import Task
from maskwise.records import Predictions
from support.tables import strings

TASK = Task()


def product(mask: list[float], gender: list[float], age: list[float]) -> np.ndarray:
    return np.asarray(np.einsum("i,j,k->ijk", mask, gender, age).reshape(-1))


def test_two_photos_by_hand() -> None:
    """Gender 0.9 and 0.5 of male: odds 9 and 1, their geometric mean 3, so 0.75. Masks stay as they are."""
    age = [0.2, 0.5, 0.3]
    probs_NC = np.stack([product([0.8, 0.1, 0.1], [0.9, 0.1], age), product([0.1, 0.1, 0.8], [0.5, 0.5], age)])
    found = pooled(probs_NC, np.array([0, 0]), TASK)
    np.testing.assert_allclose(TASK.marginal(found, "gender")[:, 0], [0.75, 0.75])
    np.testing.assert_allclose(TASK.marginal(found, "age"), [age, age])
    np.testing.assert_allclose(TASK.marginal(found, "mask"), [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])


def test_groups_of_one_keep_products_as_they_are_and_rows_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    alone = np.stack([product(*(rng.dirichlet(np.ones(size)).tolist() for size in TASK.sizes)) for _ in range(4)])
    np.testing.assert_allclose(pooled(alone, np.arange(4), TASK), alone, atol=1e-6)
    mixed = rng.dirichlet(np.ones(18), 9)
    np.testing.assert_allclose(pooled(mixed, np.arange(9) // 3, TASK).sum(axis=1), 1)


def test_a_task_without_masks_is_pooled_whole() -> None:
    task = Task(attributes=("gender", "age"))
    found = pooled(np.random.default_rng(1).dirichlet(np.ones(6), 4), np.array([0, 0, 1, 1]), task)
    np.testing.assert_allclose(found[0], found[1])
    np.testing.assert_allclose(found[2], found[3])
    assert not np.allclose(found[0], found[2])


def test_ages_are_averaged_and_all_else_stays() -> None:
    given = Predictions(
        photo_N=strings(["a/1.jpg", "b/1.jpg", "a/2.jpg"]),
        person_N=strings(["", "", ""]),
        class_N=np.full(3, -1),
        probs_NC=np.full((3, 18), 1 / 18),
        seen_N=strings(["test"] * 3),
        age_years_N=np.array([20.0, 50.0, 30.0]),
    )
    found = pool_people(given, strings(["a", "b", "a"]), TASK)
    assert found.age_years_N is not None
    assert found.age_years_N.tolist() == [25, 50, 25]
    assert found.photo_N.tolist() == given.photo_N.tolist()
