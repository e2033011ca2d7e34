"""ArcFace, LDAM and balanced softmax as plain functions: the papers' formulas written out again, values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from maskwise.errors import DataError
from maskwise.losses.arcface import angular_penalty, arcface
from maskwise.losses.class_weights import counts_without_gaps
from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.rare_classes import balanced_softmax, ldam, ldam_margins, log_prior

N, C, SCALE, MARGIN = 9, 5, 16.0, 0.5
COUNT_C = np.array([400, 100, 30, 7, 2])


@pytest.fixture
def cosine_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(-0.8, 0.99, size=(N, C)))


@pytest.fixture
def class_N() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, C, size=N))


@pytest.fixture
def soft_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).dirichlet(np.ones(C), size=N))


def one_hot(class_N: torch.Tensor) -> torch.Tensor:
    return functional.one_hot(class_N, C).double()


def test_arcface_is_the_papers_formula(cosine_NC: torch.Tensor, class_N: torch.Tensor) -> None:
    turned_NC = cosine_NC.clone()
    rows = torch.arange(N)
    turned_NC[rows, class_N] = torch.cos(torch.arccos(cosine_NC[rows, class_N]) + MARGIN)
    expected_N = functional.cross_entropy(SCALE * turned_NC, class_N, reduction="none")
    assert_close(arcface(SCALE * cosine_NC, one_hot(class_N), margin=MARGIN, scale=SCALE), expected_N)


def test_arcface_by_hand() -> None:
    # θ = 60° and a margin of 30°: cos falls from 1/2 to 0; the other class lies at 90°.
    logits_NC = torch.tensor([[4 * 0.5, 0.0]])
    loss_N = arcface(logits_NC, torch.tensor([[1.0, 0.0]]), margin=math.pi / 6, scale=4.0)
    assert_close(loss_N, torch.tensor([math.log(2)]))


def test_arcface_turns_a_class_by_its_share_of_the_margin(cosine_NC: torch.Tensor, soft_NC: torch.Tensor) -> None:
    turned_NC = torch.cos(torch.arccos(cosine_NC) + MARGIN * soft_NC)
    expected_N = functional.cross_entropy(SCALE * turned_NC, soft_NC, reduction="none")
    assert_close(arcface(SCALE * cosine_NC, soft_NC, margin=MARGIN, scale=SCALE), expected_N)
    # Equal shares turn all classes alike.
    equal_NC = torch.full((N, C), 1 / C)
    assert_close(arcface(torch.zeros(N, C), equal_NC, margin=MARGIN, scale=SCALE), torch.full((N,), math.log(C)))


def test_a_margin_makes_every_hard_label_harder(cosine_NC: torch.Tensor, class_N: torch.Tensor) -> None:
    target_NC = one_hot(class_N)
    plain_N = cross_entropy(SCALE * cosine_NC, target_NC)
    margin_C = SCALE * torch.from_numpy(ldam_margins(COUNT_C, 0.5))
    assert bool(torch.all(arcface(SCALE * cosine_NC, target_NC, margin=0.1, scale=SCALE) > plain_N))
    assert bool(torch.all(ldam(SCALE * cosine_NC, target_NC, margin_C=margin_C) > plain_N))


def test_the_turned_logit_falls_with_the_angle_everywhere_and_never_jumps() -> None:
    theta = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    angle = torch.full_like(theta, MARGIN)
    turned = theta.cos() - angular_penalty(theta.cos(), angle)
    steps = turned.diff()
    assert bool(torch.all(steps[1:] < 0))
    assert steps.abs().max() < 2e-3
    inside = theta < math.pi - MARGIN
    assert_close(turned[inside][5:], (theta[inside][5:] + MARGIN).cos())
    assert turned[-1].item() == pytest.approx(-2 + math.cos(MARGIN))


def test_arcface_has_finite_slopes_on_the_class_vector_and_beyond() -> None:
    logits_NC = torch.tensor([[SCALE, -SCALE], [-SCALE, SCALE], [1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss_N = arcface(logits_NC, torch.tensor([[1.0, 0.0]]).expand(4, 2), margin=MARGIN, scale=SCALE)
    loss_N.sum().backward()  # type: ignore[no-untyped-call]
    assert bool(torch.isfinite(loss_N).all())
    assert logits_NC.grad is not None
    assert bool(torch.isfinite(logits_NC.grad).all())
    # A photo at the far end is still drawn to its class.
    assert bool(torch.all(logits_NC.grad[[1, 3], 0] < 0))


def test_ldam_margins_by_hand() -> None:
    np.testing.assert_allclose(ldam_margins(np.array([16, 1, 81]), 0.6), [0.3, 0.6, 0.2])
    # A class without photos has the margin of the rarest and changes no other.
    np.testing.assert_allclose(ldam_margins(np.array([16, 0, 1]), 0.6), [0.3, 0.6, 0.6])


def test_ldam_is_the_papers_formula(cosine_NC: torch.Tensor, class_N: torch.Tensor, soft_NC: torch.Tensor) -> None:
    margin_C = torch.from_numpy(ldam_margins(COUNT_C, 0.5))
    weight_C = torch.linspace(0.5, 2, C, dtype=torch.float64)
    lowered_NC = cosine_NC.clone()
    rows = torch.arange(N)
    lowered_NC[rows, class_N] -= margin_C[class_N]
    expected_N = functional.cross_entropy(SCALE * lowered_NC, class_N, weight=weight_C, reduction="none")
    loss_N = ldam(SCALE * cosine_NC, one_hot(class_N), margin_C=SCALE * margin_C, class_weight_C=weight_C)
    assert_close(loss_N, expected_N)
    equal_C = torch.ones(C, dtype=torch.float64)
    shared_N = ldam(cosine_NC, soft_NC, margin_C=equal_C)
    assert_close(shared_N, cross_entropy(cosine_NC - soft_NC, soft_NC))


def test_balanced_softmax_is_the_papers_formula(cosine_NC: torch.Tensor, class_N: torch.Tensor) -> None:
    logits_NC = 3 * cosine_NC
    weighted_NC = torch.from_numpy(COUNT_C) * logits_NC.exp()
    expected_N = -(weighted_NC[torch.arange(N), class_N] / weighted_NC.sum(dim=1)).log()
    log_prior_C = torch.from_numpy(log_prior(COUNT_C, tau=1.0))
    assert_close(balanced_softmax(logits_NC, one_hot(class_N), log_prior_C=log_prior_C), expected_N)


def test_balanced_softmax_learns_the_shares_of_an_even_world() -> None:
    """Photos without information: the best bare logits are equal, where cross-entropy would learn the class shares."""
    prior_C = torch.from_numpy(COUNT_C / COUNT_C.sum())
    logits_1C = torch.zeros(1, C, dtype=torch.float64, requires_grad=True)
    loss_1 = balanced_softmax(logits_1C, prior_C[None], log_prior_C=torch.from_numpy(log_prior(COUNT_C, tau=1.0)))
    loss_1.sum().backward()  # type: ignore[no-untyped-call]
    assert logits_1C.grad is not None
    assert_close(logits_1C.grad, torch.zeros(1, C, dtype=torch.float64), rtol=0, atol=1e-12)


def test_the_prior_by_hand() -> None:
    np.testing.assert_allclose(log_prior(np.array([3, 1]), tau=2.0), [2 * math.log(0.75), 2 * math.log(0.25)])
    np.testing.assert_allclose(np.exp(log_prior(np.array([6, 0, 2]), tau=1.0)), [0.6, 0.2, 0.2])


def test_counts_without_gaps() -> None:
    assert counts_without_gaps(np.array([5, 0, 3, 0])).tolist() == [5, 3, 3, 3]
    with pytest.raises(DataError, match="at least one photo"):
        counts_without_gaps(np.array([0, 0]))


def test_float64_gradients(cosine_NC: torch.Tensor, soft_NC: torch.Tensor) -> None:
    cosine_NC.requires_grad_()
    check = torch.autograd.gradcheck
    values_C = torch.linspace(0.1, 1, C, dtype=torch.float64)
    assert check(lambda x: arcface(4 * x, soft_NC, margin=MARGIN, scale=4.0, class_weight_C=values_C), cosine_NC)
    assert check(lambda x: ldam(x, soft_NC, margin_C=values_C), cosine_NC)
    assert check(lambda x: balanced_softmax(x, soft_NC, log_prior_C=values_C.log()), cosine_NC)
