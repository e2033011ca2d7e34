"""Target transforms: target rows → softer target rows. They still sum to 1, and never reach a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def label_smoothing(target_NC: Tensor, *, epsilon: float) -> Tensor:
    """(1 − ε) · t + ε / C: the true class of a one-hot row keeps 1 − ε + ε / C (Szegedy et al. 2016, section 7)."""
    return target_NC * (1 - epsilon) + epsilon / target_NC.shape[1]


def soft_classes(target_NC: Tensor, *, share_CC: Tensor) -> Tensor:
    """Every class's part of a row goes out by that class's row of ``share_CC``, whose rows sum to 1."""
    return target_NC @ share_CC.to(target_NC)


def shares_by_nearness(distances: Sequence[Tensor], temperature: float) -> Tensor:
    """C × C: row c shares class c among all joint classes by exp(−distance / temperature); rows sum to 1.

    ``distances`` holds a square matrix an attribute, first attribute slowest; their sum is the distance of two joint
    classes. exp turns that sum into a product, so each attribute can be scaled to sum to 1 alone.
    """
    share = torch.ones(1, 1, dtype=torch.float64)
    for distance in distances:
        share = torch.kron(share, torch.softmax(-distance.double() / temperature, dim=1))
    return share.float()


def steps_if_different(size: int) -> Tensor:
    """size × size: 0 for the same class, 1 for any other."""
    return 1 - torch.eye(size)


def steps_apart(size: int) -> Tensor:
    """size × size: how many steps two ordered classes lie apart."""
    code = torch.arange(size)
    return (code[:, None] - code[None, :]).abs().float()


def soft_age_border(
    target_NC: Tensor,
    age_years_N: Tensor,
    *,
    borders_years: Sequence[int],
    margin_years: int,
    sizes: Sequence[int],
    age_position: int,
) -> Tensor:
    """What a row gives to the photo's own age group is shared with the neighboring group, linearly in the age.

    ``sizes`` are the numbers of classes of each attribute, first slowest; attribute ``age_position`` is the age group,
    parted at ``borders_years``. At border b the upper group gets ½ + (age + ½ − b) / (2 · margin), from 0 to 1: an
    age is a count of completed years and stands for its middle, so the photo's own group always keeps the larger part.
    That needs borders that lie 2 · margin apart. Rows of photos of unknown age (negative) stay as they are.
    """
    split = (math.prod(sizes[:age_position]), sizes[age_position], math.prod(sizes[age_position + 1 :]))
    target_NBGA = target_NC.reshape(-1, *split)
    borders = torch.tensor(borders_years, device=age_years_N.device)
    group_N = (age_years_N[:, None] >= borders).sum(dim=1)
    own_NG = torch.nn.functional.one_hot(group_N, len(borders_years) + 1).to(target_NC)
    share_NG = border_shares(age_years_N.to(target_NC), borders.to(target_NC), margin_years)
    own_part_NBA = (target_NBGA * own_NG[:, None, :, None]).sum(dim=2)
    moved_NBGA = target_NBGA + own_part_NBA[:, :, None, :] * (share_NG - own_NG)[:, None, :, None]
    return torch.where(age_years_N[:, None] >= 0, moved_NBGA.flatten(1), target_NC)


def border_shares(age_years_N: Tensor, borders_years: Tensor, margin_years: int) -> Tensor:
    """N × groups: how much of a photo belongs to each age group; rows sum to 1."""
    above_NB = ((age_years_N[:, None] + 0.5 - borders_years) / (2 * margin_years) + 0.5).clamp(0, 1)
    edge_N1 = torch.ones_like(age_years_N)[:, None]
    at_least_NG = torch.cat([edge_N1, above_NB, torch.zeros_like(edge_N1)], dim=1)
    return at_least_NG[:, :-1] - at_least_NG[:, 1:]


def regardless_of_age(
    target_NC: Tensor,
    age_years_N: Tensor,  # noqa: ARG001 - the transforms share one signature
    *,
    transform: Callable[[Tensor], Tensor],
) -> Tensor:
    """A transform that does not use the ages, in the signature of those that do."""
    return transform(target_NC)
