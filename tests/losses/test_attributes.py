"""The cross-entropy of each attribute against the task's own marginals, scikit-learn and the joint cross-entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional
from torch.testing import assert_close

from maskwise.labels import Task
from maskwise.losses.attributes import attributes_cross_entropy
from maskwise.losses.cross_entropy import cross_entropy

TASK = Task()
SIZES = TASK.sizes
N, C = 8, 18


@pytest.fixture
def logits_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(scale=3, size=(N, C)))


@pytest.fixture
def class_N() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, C, size=N))


@pytest.mark.parametrize("position", range(3))
def test_one_attribute_is_scikit_learns_log_loss_of_the_tasks_marginal(
    logits_NC: torch.Tensor, class_N: torch.Tensor, position: int
) -> None:
    weights = [0.0, 0.0, 0.0]
    weights[position] = 2.0
    target_NC = functional.one_hot(class_N, C)
    loss_N = attributes_cross_entropy(logits_NC, target_NC, sizes=SIZES, weights=weights)
    name = TASK.attributes[position]
    marginal_NA = TASK.marginal(logits_NC.softmax(dim=1).numpy(), name)
    code_N = TASK.codes(class_N.numpy())[name]
    expected = log_loss(code_N, marginal_NA, labels=range(SIZES[position]))
    assert loss_N.mean().item() == pytest.approx(2 * expected)


def test_by_hand() -> None:
    # Two attributes of two classes; joint probabilities 1/8, 3/8, 1/8, 3/8: marginals 1/2, 1/2 and 1/4, 3/4.
    logits_NC = torch.log(torch.tensor([[1.0, 3.0, 1.0, 3.0]]))
    target_NC = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    loss_N = attributes_cross_entropy(logits_NC, target_NC, sizes=(2, 2), weights=(1.0, 10.0))
    assert_close(loss_N, torch.tensor([math.log(2) + 10 * math.log(4)]))


def test_with_logits_that_add_up_and_equal_weights_it_is_the_joint_cross_entropy(class_N: torch.Tensor) -> None:
    rng = np.random.default_rng(2)
    mask, gender, age = (torch.from_numpy(rng.normal(size=(N, size))) for size in SIZES)
    joint_NC = (mask[:, :, None, None] + gender[:, None, :, None] + age[:, None, None, :]).reshape(N, C)
    target_NC = functional.one_hot(class_N, C)
    loss_N = attributes_cross_entropy(joint_NC, target_NC, sizes=SIZES, weights=(1.0, 1.0, 1.0))
    assert_close(loss_N, cross_entropy(joint_NC, target_NC))


def test_a_single_attribute_is_the_cross_entropy_times_its_weight(logits_NC: torch.Tensor) -> None:
    soft_NC = torch.from_numpy(np.random.default_rng(3).dirichlet(np.ones(C), size=N))
    loss_N = attributes_cross_entropy(logits_NC, soft_NC, sizes=(C,), weights=(0.5,))
    assert_close(loss_N, 0.5 * cross_entropy(logits_NC, soft_NC))


def test_float64_gradients(logits_NC: torch.Tensor) -> None:
    soft_NC = torch.from_numpy(np.random.default_rng(3).dirichlet(np.ones(C), size=N))
    logits_NC.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: attributes_cross_entropy(x, soft_NC, sizes=SIZES, weights=(1.0, 2.0, 3.0)), logits_NC
    )
