"""Views, folds and parts as one prediction, worked by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskwise.labels import Attribute, Task
from maskwise.probabilities import Probabilities, averaged, joined, multiplied, over_members


def test_parts_are_multiplied_in_any_order_of_attributes() -> None:
    rng = np.random.default_rng(0)
    task = Task()
    gender_age, mask = rng.dirichlet(np.ones(6), 4), rng.dirichlet(np.ones(3), 4)
    age_first = gender_age.reshape(4, 2, 3).transpose(0, 2, 1).reshape(4, 6)
    expected = np.einsum("nm,nga->nmga", mask, gender_age.reshape(4, 2, 3)).reshape(4, 18)

    def product(*parts: tuple[tuple[Attribute, ...], np.ndarray]) -> np.ndarray:
        return multiplied([(names, Probabilities(probs_NC, None)) for names, probs_NC in parts], task).probs_NC

    np.testing.assert_allclose(product((("gender", "age"), gender_age), (("mask",), mask)), expected)
    np.testing.assert_allclose(product((("mask",), mask), (("age", "gender"), age_first)), expected)
    np.testing.assert_array_equal(product((task.attributes, expected)), expected)


@given(seed=st.integers(0, 2**32 - 1), photos=st.integers(1, 8), order=st.permutations(Task().attributes))
def test_parts_of_one_attribute_each_decide_it_whatever_the_others_say(
    seed: int, photos: int, order: list[Attribute]
) -> None:
    rng, task = np.random.default_rng(seed), Task()
    probs = {name: rng.dirichlet(np.ones(len(task.classes(name))), photos) for name in task.attributes}
    found_NC = multiplied([((name,), Probabilities(probs[name], None)) for name in order], task).probs_NC
    np.testing.assert_allclose(found_NC.sum(axis=1), 1)
    decided = task.codes(found_NC.argmax(axis=1))
    for name, probs_NA in probs.items():
        assert np.array_equal(decided[name], probs_NA.argmax(axis=1))


def test_the_age_comes_from_the_part_with_the_age_group() -> None:
    first = Probabilities(np.full((1, 6), 1 / 6), np.array([20.0]))
    second = Probabilities(np.full((1, 3), 1 / 3), np.array([60.0]))
    assert multiplied([(("mask", "gender"), first), (("age",), second)], Task()).age_years_N == np.array([60.0])
    without = second._replace(age_years_N=None)
    assert multiplied([(("mask", "gender"), first), (("age",), without)], Task()).age_years_N == np.array([20.0])


def test_parts_of_the_same_attributes_are_averaged_before_the_product() -> None:
    """The mean of (0.2, 0.3, 0.5) and (0.4, 0.1, 0.5), by hand, in any order of the attributes."""
    task = Task(attributes=("gender", "age"))
    gender = Probabilities(np.array([[0.25, 0.75]]), np.array([20.0]))
    ages = [
        Probabilities(np.array([row]), years)
        for row, years in (([0.2, 0.3, 0.5], np.array([50.0])), ([0.4, 0.1, 0.5], np.array([60.0])))
    ]
    found = multiplied([(("age",), ages[0]), (("gender",), gender), (("age",), ages[1])], task)
    np.testing.assert_allclose(found.probs_NC, [[0.075, 0.05, 0.125, 0.225, 0.15, 0.375]])
    assert found.age_years_N == np.array([55.0])
    one = Probabilities(np.array([[0.1, 0.2, 0.3, 0.0, 0.4, 0.0]]), None)
    other = Probabilities(np.array([[0.0, 0.2, 0.2, 0.2, 0.2, 0.2]]), None)  # age first: its codes are 3 × 2
    found = multiplied([(("gender", "age"), one), (("age", "gender"), other)], task)
    np.testing.assert_allclose(found.probs_NC, [[0.05, 0.2, 0.25, 0.1, 0.3, 0.1]])
    assert found.age_years_N is None


def test_members_have_an_age_only_where_all_have_one() -> None:
    one = Probabilities(np.array([[0.2, 0.8]]), np.array([20.0]))
    two = Probabilities(np.array([[0.6, 0.4]]), np.array([40.0]))
    both = over_members([one, two])
    assert both.probs_RNC.shape == (2, 1, 2)
    assert both.age_years_N == np.array([30.0])
    assert over_members([one, two._replace(age_years_N=None)]).age_years_N is None


def test_means_and_batches() -> None:
    one = Probabilities(np.array([[0.2, 0.8]]), np.array([20.0]))
    two = Probabilities(np.array([[0.6, 0.4]]), np.array([40.0]))
    np.testing.assert_allclose(averaged([one, two]).probs_NC, [[0.4, 0.6]])
    assert averaged([one, two]).age_years_N == np.array([30.0])
    np.testing.assert_array_equal(joined([one, two]).probs_NC, [[0.2, 0.8], [0.6, 0.4]])
    assert joined([]).probs_NC.shape == (0, 0)
