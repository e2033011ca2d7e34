"""The contract of every target transform, and what each shares with whom."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from maskwise.labels import Attribute, Task
from maskwise.losses import config
from maskwise.losses.build import build_target
from maskwise.records import Ints

C = 18
TASK = Task()
TARGETS: list[config.TargetConfig] = [
    config.LabelSmoothing(),
    config.SoftClasses(),
    config.SoftClasses(temperature=10.0),
    config.SoftAgeBorder(),
    config.SoftAgeBorder(margin_years=15),
]
TASKS = [TASK, Task(train_age_borders_years=(30, 60 + 2)), Task(attributes=("age", "mask"), age_borders_years=(40,))]


def people(task: Task) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(class, one-hot row, age) of one person of every age from 0 to 100 and of every other attribute."""
    ages = np.arange(101)
    codes: dict[Attribute, Ints] = {"mask": ages % 3, "gender": ages % 2, "age": task.train_age_group(ages)}
    class_N = torch.from_numpy(task.joint_class(codes))
    return class_N, torch.eye(task.n_classes)[class_N], torch.from_numpy(ages)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: "-".join(task.attributes))
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: str(target.kind))
class TestEveryTransform:
    def test_rows_stay_probabilities_and_the_true_class_keeps_the_largest_part(
        self, target: config.TargetConfig, task: Task
    ) -> None:
        class_N, target_NC, age_years_N = people(task)
        soft_NC = build_target(target, task)(target_NC, age_years_N)
        assert soft_NC.dtype == target_NC.dtype
        assert soft_NC.shape == target_NC.shape
        assert_close(soft_NC.sum(dim=1), torch.ones(len(class_N)))
        assert soft_NC.min() >= 0
        assert_close(soft_NC.argmax(dim=1), class_N)
        runner_up_N = (soft_NC - target_NC).amax(dim=1)
        assert bool((soft_NC[torch.arange(len(class_N)), class_N] > runner_up_N).all())
        assert not torch.equal(soft_NC, target_NC)

    def test_soft_rows_stay_probabilities_and_a_photo_does_not_depend_on_the_others(
        self, target: config.TargetConfig, task: Task
    ) -> None:
        rng = np.random.default_rng(0)
        target_NC = torch.from_numpy(rng.dirichlet(np.ones(task.n_classes), size=20))
        age_years_N = torch.from_numpy(rng.integers(-1, 90, size=20))
        transform = build_target(target, task)
        soft_NC = transform(target_NC, age_years_N)
        assert_close(soft_NC.sum(dim=1), torch.ones(20, dtype=torch.float64))
        assert soft_NC.min() >= 0
        assert_close(transform(target_NC[3:5], age_years_N[3:5]), soft_NC[3:5])


def test_label_smoothing_by_hand() -> None:
    transform = build_target(config.LabelSmoothing(epsilon=0.4), Task(attributes=("gender",)))
    assert_close(transform(torch.eye(2), torch.tensor([-1, 30])), torch.tensor([[0.8, 0.2], [0.2, 0.8]]))


def test_soft_classes_by_hand() -> None:
    # Age groups at distances 0, 1, 2: 1, 1/2, 1/4 with a temperature of 1 / ln 2.
    transform = build_target(config.SoftClasses(temperature=1 / math.log(2)), Task(attributes=("age",)))
    expected = torch.tensor([[4 / 7, 2 / 7, 1 / 7], [1 / 4, 1 / 2, 1 / 4], [1 / 7, 2 / 7, 4 / 7]])
    assert_close(transform(torch.eye(3), torch.full((3,), -1)), expected)


def test_soft_classes_are_the_kernel_of_the_summed_distances() -> None:
    temperature = 0.7
    soft_CC = build_target(config.SoftClasses(temperature=temperature), TASK)(torch.eye(C), torch.full((C,), -1))
    codes = list(itertools.product(range(3), range(2), range(3)))
    for row, (mask, gender, age) in enumerate(codes):
        distance = [(mask != m) + (gender != g) + abs(age - a) for m, g, a in codes]
        kernel = np.exp(-np.array(distance) / temperature)
        np.testing.assert_allclose(soft_CC[row].numpy(), kernel / kernel.sum(), rtol=1e-5)


def test_the_mask_has_no_order_and_ages_do() -> None:
    soft_CC = build_target(config.SoftClasses(), TASK)(torch.eye(C), torch.full((C,), -1))
    worn_young, incorrect_young, not_worn_young, worn_middle, worn_old = 0, 6, 12, 1, 2
    assert soft_CC[worn_young, incorrect_young] == soft_CC[worn_young, not_worn_young]
    assert soft_CC[worn_young, worn_middle] == soft_CC[worn_young, incorrect_young]
    assert soft_CC[worn_young, worn_old] < soft_CC[worn_young, worn_middle]


def test_an_age_border_is_shared_linearly() -> None:
    transform = build_target(config.SoftAgeBorder(margin_years=2), Task(train_age_borders_years=(30, 58)))
    ages = torch.tensor([55, 56, 57, 58, 59, 60])
    # Incorrect mask, female: classes 9, 10, 11.
    target_NC = torch.eye(C)[torch.tensor([10, 10, 10, 11, 11, 11])]
    soft_NC = transform(target_NC, ages)
    assert_close(soft_NC[:, 11], torch.tensor([0, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1]))
    assert_close(soft_NC[:, 10], 1 - soft_NC[:, 11])


def test_photos_far_from_a_border_or_of_unknown_age_stay_as_they_are() -> None:
    transform = build_target(config.SoftAgeBorder(margin_years=3), TASK)
    ages = torch.tensor([-1, -1, 26, 33, 45, 56, 63, 90])
    target_NC = torch.eye(C)[torch.tensor([4, 17, 0, 7, 4, 1, 2, 14])]
    assert torch.equal(transform(target_NC, ages), target_NC)
    assert not torch.equal(transform(target_NC, ages + 1), target_NC)


def test_only_the_own_groups_part_of_a_softened_row_moves() -> None:
    # 59 years, attributes age alone: 3/8 of the middle group's 0.8 goes up, what smoothing gave away stays.
    task = Task(attributes=("age",))
    row_NC = torch.tensor([[0.1, 0.8, 0.1]])
    soft_NC = build_target(config.SoftAgeBorder(margin_years=2), task)(row_NC, torch.tensor([59]))
    assert_close(soft_NC, torch.tensor([[0.1, 0.5, 0.4]]))


def test_without_age_groups_there_is_no_border() -> None:
    with pytest.raises(ValueError):
        build_target(config.SoftAgeBorder(), Task(attributes=("mask",)))
