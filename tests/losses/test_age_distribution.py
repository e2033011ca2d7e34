"""The age term against scipy's normal density and torch's KL divergence; what it promises at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch.nn import functional
from torch.testing import assert_close

from maskwise.losses import config
from maskwise.losses.age_distribution import age_distribution, expected_age, log_bell_curve
from maskwise.losses.build import AuxiliaryTerm, build_auxiliary
from maskwise.records import Output

FIRST, LAST, SPREAD = 16, 75, 2.0
A = LAST - FIRST + 1
YEARS = np.arange(FIRST, LAST + 1)
AGES = torch.tensor([16, 18, 30, 59, 60, 75, 101, -1, -2])
N = len(AGES)


def output(age_logits_NA: torch.Tensor | None) -> Output:
    return Output(logits_NC=torch.zeros(N, 3), embedding_ND=torch.zeros(N, 2), age_logits_NA=age_logits_NA)


@pytest.fixture
def age_logits_NA() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(N, A)))


@pytest.fixture
def term() -> AuxiliaryTerm:
    return build_auxiliary(config.AgeDistribution(spread_years=SPREAD), FIRST)


def test_the_loss_is_torchs_kl_divergence_from_scipys_normal_density(
    age_logits_NA: torch.Tensor, term: AuxiliaryTerm
) -> None:
    density_NA = norm.pdf(YEARS[None, :], loc=AGES.clamp(max=LAST)[:, None], scale=SPREAD)
    target_NA = torch.from_numpy(density_NA / density_NA.sum(axis=1, keepdims=True))
    expected_NA = functional.kl_div(age_logits_NA.log_softmax(dim=1), target_NA, reduction="none")
    known_N = AGES >= 0
    assert_close(term(output(age_logits_NA), AGES)[known_N], expected_NA.sum(dim=1)[known_N])


def test_photos_of_unknown_age_cost_nothing_and_teach_nothing(age_logits_NA: torch.Tensor, term: AuxiliaryTerm) -> None:
    age_logits_NA.requires_grad_()
    loss_N = term(output(age_logits_NA), AGES)
    assert loss_N.shape == (N,)
    assert ((loss_N == 0) == (AGES < 0)).all()
    loss_N.sum().backward()  # type: ignore[no-untyped-call]
    assert age_logits_NA.grad is not None
    assert ((age_logits_NA.grad == 0).all(dim=1) == (AGES < 0)).all()


def test_the_loss_is_zero_only_for_the_bell_curve_itself(term: AuxiliaryTerm) -> None:
    curve_NA = log_bell_curve(AGES.clamp(FIRST, LAST).double(), torch.from_numpy(YEARS).double(), SPREAD)
    assert_close(curve_NA.exp().sum(dim=1), torch.ones(N, dtype=torch.float64))
    assert_close(term(output(curve_NA), AGES), torch.zeros(N, dtype=torch.float64))
    moved_N = term(output(curve_NA.roll(1, dims=1)), AGES)
    assert bool((moved_N[AGES >= 0] > 0.1).all())


def test_by_hand() -> None:
    # Two bins, the true age on the second: shares exp(-1/2) : 1 of the curve; the model says 1/2 and 1/2.
    low = math.exp(-0.5) / (1 + math.exp(-0.5))
    expected = low * math.log(2 * low) + (1 - low) * math.log(2 * (1 - low))
    loss_N = age_distribution(
        Output(torch.zeros(1, 3), torch.zeros(1, 2), torch.zeros(1, 2)),
        torch.tensor([41]),
        first_age_years=40,
        spread_years=1.0,
        weight=2.0,
    )
    assert loss_N.item() == pytest.approx(2 * expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_finite_float32_at_extreme_logits(term: AuxiliaryTerm, dtype: torch.dtype) -> None:
    extreme_NA = (1e4 * torch.randn(N, A, generator=torch.Generator().manual_seed(0)).sign()).to(dtype)
    extreme_NA.requires_grad_()
    loss_N = term(output(extreme_NA), AGES)
    assert loss_N.dtype == torch.float32
    assert bool(torch.isfinite(loss_N).all())
    loss_N.sum().backward()  # type: ignore[no-untyped-call]
    assert extreme_NA.grad is not None
    assert bool(torch.isfinite(extreme_NA.grad).all())


def test_a_model_without_ages_is_refused(term: AuxiliaryTerm) -> None:
    with pytest.raises(ValueError, match="needs a model with an age head"):
        term(output(None), AGES)


def test_the_expected_age() -> None:
    logits_NA = torch.log(torch.tensor([[1.0, 1.0, 2.0], [1.0, 0.0, 0.0]]))
    assert_close(expected_age(logits_NA, 20), torch.tensor([(20 + 21 + 2 * 22) / 4, 20.0]))
    assert expected_age(torch.zeros(1, A), FIRST).item() == pytest.approx((FIRST + LAST) / 2)
    # Away from the ends, the bell curve's mean is the age that it was made for.
    curve_NA = log_bell_curve(torch.tensor([43.0]), torch.from_numpy(YEARS).float(), SPREAD)
    assert expected_age(curve_NA, FIRST).item() == pytest.approx(43, abs=1e-3)


def test_float64_gradients(age_logits_NA: torch.Tensor, term: AuxiliaryTerm) -> None:
    age_logits_NA.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: term(output(x), AGES), age_logits_NA)
