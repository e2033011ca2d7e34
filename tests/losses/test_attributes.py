"""The loss of each attribute against the task's own marginals, scikit-learn and the joint cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss
from torch.nn import functional
from torch.testing import assert_close

from maskwise.labels import Task
from maskwise.losses.arcface import arcface
from maskwise.losses.attributes import per_attribute
from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.f1 import f1
from maskwise.losses.focal import focal
from maskwise.losses.weighted_sum import mean_over_photos

TASK = Task()
SIZES = TASK.sizes
N, C = 8, 18


@pytest.fixture
def logits_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(scale=3, size=(N, C)))


@pytest.fixture
def class_N() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, C, size=N))


def _cross_entropies(
    logits_NC: torch.Tensor, target_NC: torch.Tensor, sizes: Sequence[int], weights: Sequence[float]
) -> torch.Tensor:
    terms = [(weight, partial(mean_over_photos, loss=cross_entropy)) for weight in weights]
    return per_attribute(logits_NC, target_NC, terms=terms, sizes=sizes)


@pytest.mark.parametrize("position", range(3))
def test_one_attribute_is_scikit_learns_log_loss_of_the_tasks_marginal(
    logits_NC: torch.Tensor, class_N: torch.Tensor, position: int
) -> None:
    weights = [0.0, 0.0, 0.0]
    weights[position] = 2.0
    value = _cross_entropies(logits_NC, functional.one_hot(class_N, C), SIZES, weights)
    name = TASK.attributes[position]
    marginal_NA = TASK.marginal(logits_NC.softmax(dim=1).numpy(), name)
    code_N = TASK.codes(class_N.numpy())[name]
    expected = log_loss(code_N, marginal_NA, labels=range(SIZES[position]))
    assert value.item() == pytest.approx(2 * expected)


@pytest.mark.parametrize("position", range(3))
def test_one_attribute_is_scikit_learns_f1_of_its_classes(class_N: torch.Tensor, position: int) -> None:
    rng = np.random.default_rng(4)
    predicted_N = rng.integers(0, C, size=N)
    logits_NC = 200 * functional.one_hot(torch.from_numpy(predicted_N), C).double()
    terms = [(float(position == k), f1) for k in range(3)]
    value = per_attribute(logits_NC, functional.one_hot(class_N, C), terms=terms, sizes=SIZES)
    name = TASK.attributes[position]
    true_N, said_N = TASK.codes(class_N.numpy())[name], TASK.codes(predicted_N)[name]
    expected = f1_score(true_N, said_N, average="macro", labels=range(SIZES[position]), zero_division=0)
    assert value.item() == pytest.approx(1 - expected)


def test_by_hand() -> None:
    # Two attributes of two classes; joint probabilities 1/8, 3/8, 1/8, 3/8: marginals 1/2, 1/2 and 1/4, 3/4.
    logits_NC = torch.log(torch.tensor([[1.0, 3.0, 1.0, 3.0]]))
    target_NC = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    value = _cross_entropies(logits_NC, target_NC, (2, 2), (1.0, 10.0))
    assert_close(value, torch.tensor(math.log(2) + 10 * math.log(4)))
    # Focal with gamma 2: (1/2)² · log 2 and 10 · (3/4)² · log 4; the photo's weight cancels.
    terms = [(weight, partial(mean_over_photos, loss=partial(focal, gamma=2.0))) for weight in (1.0, 10.0)]
    value = per_attribute(logits_NC, target_NC, torch.tensor([0.3]), terms=terms, sizes=(2, 2))
    assert_close(value, torch.tensor(math.log(2) / 4 + 10 * 9 / 16 * math.log(4)))


def test_the_models_own_logits_of_an_attribute_go_before_marginals() -> None:
    """A margin needs cosines, which no probability shows: a right angle in both attributes, turned by a half."""
    terms = [(1.0, partial(mean_over_photos, loss=partial(arcface, margin=0.5, scale=8.0)))] * 2
    logits_NC, target_NC = torch.zeros(1, 4), torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    value = per_attribute(logits_NC, target_NC, None, torch.zeros(1, 4), terms=terms, sizes=(2, 2))
    assert value.item() == pytest.approx(2 * math.log1p(math.exp(8 * math.sin(0.5))))


def test_with_logits_that_add_up_and_equal_weights_it_is_the_joint_cross_entropy(class_N: torch.Tensor) -> None:
    rng = np.random.default_rng(2)
    mask, gender, age = (torch.from_numpy(rng.normal(size=(N, size))) for size in SIZES)
    joint_NC = (mask[:, :, None, None] + gender[:, None, :, None] + age[:, None, None, :]).reshape(N, C)
    target_NC = functional.one_hot(class_N, C)
    value = _cross_entropies(joint_NC, target_NC, SIZES, (1.0, 1.0, 1.0))
    assert_close(value, cross_entropy(joint_NC, target_NC).mean())
    # The logits of each attribute, side by side, are the same.
    terms = [(1.0, partial(mean_over_photos, loss=cross_entropy))] * 3
    own_NA = torch.cat([mask, gender, age], dim=1)
    assert_close(per_attribute(joint_NC, target_NC, None, own_NA, terms=terms, sizes=SIZES), value)


def test_a_single_attribute_is_the_cross_entropy_times_its_weight(logits_NC: torch.Tensor) -> None:
    soft_NC = torch.from_numpy(np.random.default_rng(3).dirichlet(np.ones(C), size=N))
    value = _cross_entropies(logits_NC, soft_NC, (C,), (0.5,))
    assert_close(value, 0.5 * cross_entropy(logits_NC, soft_NC).mean())


def test_float64_gradients(logits_NC: torch.Tensor) -> None:
    soft_NC = torch.from_numpy(np.random.default_rng(3).dirichlet(np.ones(C), size=N))
    logits_NC.requires_grad_()
    check = torch.autograd.gradcheck
    assert check(lambda x: _cross_entropies(x, soft_NC, SIZES, (1.0, 2.0, 3.0)), logits_NC)
