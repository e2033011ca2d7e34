"""The age in years as a distribution over years: the auxiliary term and the expected age."""

from __future__ import annotations

import torch
from torch import Tensor

from maskwise.losses.cross_entropy import log_softmax
from maskwise.records import Output


def age_distribution(
    output: Output, age_years_N: Tensor, *, first_age_years: int, spread_years: float, weight: float
) -> Tensor:
    """Loss of each photo: weight · KL(bell curve around its age ‖ softmax of its age logits), N values in float32.

    Gao et al. 2017, arXiv 1611.01731. The bins are years from ``first_age_years`` on. Ages beyond the bins
    count as the nearest one; photos of unknown age (negative) cost 0. ``output`` needs age logits (N × A): ValueError
    without.
    """
    if output.age_logits_NA is None:
        raise ValueError("age_distribution needs a model with an age head.")
    log_probs_NA = log_softmax(output.age_logits_NA)
    n_ages = log_probs_NA.shape[1]
    age_N = age_years_N.to(log_probs_NA).clamp(first_age_years, first_age_years + n_ages - 1)
    log_target_NA = log_bell_curve(age_N, years(log_probs_NA, first_age_years), spread_years)
    kl_N = (log_target_NA.exp() * (log_target_NA - log_probs_NA)).sum(dim=1)
    return weight * torch.where(age_years_N >= 0, kl_N, torch.zeros_like(kl_N))


def log_bell_curve(age_years_N: Tensor, years_A: Tensor, spread_years: float) -> Tensor:
    """log of exp(−(year − age)² / 2 spread²), scaled so that the shares of the years sum to 1; N × A."""
    distance_NA = (years_A - age_years_N[:, None]) / spread_years
    return torch.log_softmax(-distance_NA.square() / 2, dim=1)


def expected_age(age_logits_NA: Tensor, first_age_years: int) -> Tensor:
    """Σ_a p_a · year_a with p = softmax(age logits), in years; N values in float32 (float64 for float64 logits).

    Rothe et al. 2018 ("DEX"), doi 10.1007/s11263-016-0940-3. Bin a is the age ``first_age_years`` + a.
    """
    probs_NA = log_softmax(age_logits_NA).exp()
    return (probs_NA * years(probs_NA, first_age_years)).sum(dim=1)


def years(values_NA: Tensor, first_age_years: int) -> Tensor:
    """The age in years of each of the A bins, like ``values_NA`` in type and device."""
    n_ages = values_NA.shape[1]
    return torch.arange(first_age_years, first_age_years + n_ages, dtype=values_NA.dtype, device=values_NA.device)
