"""Optimizers: first steps by hand, one contract for all, and rates of layers against timm's."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any, get_args

import pytest
import timm
import torch
from timm.optim import param_groups_layer_decay
from torch import nn

from maskwise.models.heads import PublishedLayers
from maskwise.recipe.optimizer_config import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, OptimizerConfig, RAdam, RMSprop
from maskwise.training.optimizers import build_optimizer, parameter_groups
from support.fits import tiny_model

MEMBERS: tuple[OptimizerConfig, ...] = (
    AdamW(),
    Adam(),
    SGD(momentum=0.5),
    NAdam(),
    RAdam(),
    Adamax(),
    RMSprop(momentum=0.5),
    Adagrad(),
)
every_member = pytest.mark.parametrize("config", MEMBERS, ids=lambda config: config.kind)


class Weights(nn.Module):
    """A matrix and a bias that are whatever the test says."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.full((2, 2), value))
        self.bias = nn.Parameter(torch.full((2,), value))


def _step(config: OptimizerConfig, value: float, gradients: list[float]) -> Weights:
    weights = Weights(value)
    optimizer = build_optimizer(config, weights)
    for gradient in gradients:
        for parameter in weights.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        optimizer.step()
    return weights


def test_the_contract_covers_every_kind() -> None:
    assert {type(config) for config in MEMBERS} == set(get_args(get_args(OptimizerConfig)[0]))


# NAdam's momentum of step t is 0.9 · (1 - 0.96 ** (0.004 · t) / 2) (Dozat 2016, algorithm 8 with ψ = 0.004).
MU_1, MU_2 = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in (1, 2))


@pytest.mark.parametrize(
    ("config", "moved"),
    [
        # The first step on a gradient of 2, as a multiple of the rate.
        (SGD(rate=0.1), 2.0),
        (SGD(rate=0.1, momentum=0.5, nesterov=True), 3.0),  # the gradient, and half of the momentum that it begins
        (Adam(rate=0.1), 1.0),
        (AdamW(rate=0.1, weight_decay=0.0), 1.0),
        (Adamax(rate=0.1), 1.0),
        (Adagrad(rate=0.1), 1.0),
        (RAdam(rate=0.1, weight_decay=0.0), 2.0),  # too early to know the variance: momentum alone
        (RMSprop(rate=0.1, smoothing=0.75), 1 / math.sqrt(0.25)),
        (NAdam(rate=0.1, weight_decay=0.0), (1 - MU_1) / (1 - MU_1) + MU_2 * 0.1 / (1 - MU_1 * MU_2)),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_the_first_step_by_hand(config: OptimizerConfig, moved: float) -> None:
    weights = _step(config, 1.0, [2.0])
    assert weights.matrix.tolist() == [[pytest.approx(1 - 0.1 * moved, abs=1e-6)] * 2] * 2
    assert weights.bias.tolist() == [pytest.approx(1 - 0.1 * moved, abs=1e-6)] * 2


def test_what_is_carried_on_by_hand() -> None:
    # SGD: 2, then 0.5 · 2 + 2 = 3. RMSprop: 2 / √(1 · 4 / 4) = 2, then √(0.75 + 0.25 · 4) = √1.75, + 0.5 · 2.
    assert _step(SGD(rate=0.1, momentum=0.5), 1.0, [2, 2]).bias[0].item() == pytest.approx(0.5)
    carried = _step(RMSprop(rate=0.1, smoothing=0.75, momentum=0.5), 1.0, [2, 2])
    assert carried.bias[0].item() == pytest.approx(1 - 0.1 * (2 + 2 / math.sqrt(1.75) + 0.5 * 2))
    # Adagrad: 2 / √4, then 2 / √8.
    assert _step(Adagrad(rate=0.1), 1.0, [2, 2]).bias[0].item() == pytest.approx(1 - 0.1 * (1 + 1 / math.sqrt(2)))


@pytest.mark.parametrize("kind", [AdamW, NAdam, RAdam])
def test_decoupled_decay_shrinks_matrices_alone_and_by_rate_times_decay(
    kind: type[AdamW] | type[NAdam] | type[RAdam],
) -> None:
    weights = _step(kind(rate=0.1, weight_decay=0.2), 1.0, [0.0, 0.0])
    assert weights.matrix.tolist() == [[pytest.approx((1 - 0.1 * 0.2) ** 2)] * 2] * 2
    assert weights.bias.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "config",
    [
        SGD(weight_decay=0.2),
        Adam(weight_decay=0.2),
        Adamax(weight_decay=0.2),
        RMSprop(weight_decay=0.2),
        Adagrad(weight_decay=0.2),
    ],
    ids=lambda config: config.kind,
)
def test_an_l2_penalty_is_a_gradient_of_the_weights(config: OptimizerConfig) -> None:
    penalized, pulled = _step(config, 1.0, [0.0]), _step(config.model_copy(update={"weight_decay": 0.0}), 1.0, [0.2])
    torch.testing.assert_close(penalized.matrix, pulled.matrix)
    assert penalized.bias.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("kind", "torchs"),
    [
        (AdamW, torch.optim.AdamW),
        (Adam, torch.optim.Adam),
        (NAdam, partial(torch.optim.NAdam, decoupled_weight_decay=True)),
        (RAdam, partial(torch.optim.RAdam, decoupled_weight_decay=True)),
        (Adamax, torch.optim.Adamax),
    ],
)
def test_betas_and_decay_are_torchs(kind: Any, torchs: Any) -> None:
    config = kind(rate=0.1, betas=(0.5, 0.7), weight_decay=0.2)
    ours, by_torch = _step(config, 1.0, [2.0, -1.0, 0.5]), Weights(1.0)
    optimizer = torchs([by_torch.matrix], lr=0.1, betas=(0.5, 0.7), weight_decay=0.2)
    for gradient in (2.0, -1.0, 0.5):
        by_torch.matrix.grad = torch.full_like(by_torch.matrix, gradient)
        optimizer.step()
    torch.testing.assert_close(ours.matrix, by_torch.matrix)
    assert not torch.allclose(
        ours.matrix, _step(config.model_copy(update={"betas": (0.9, 0.999)}), 1.0, [2.0, -1.0, 0.5]).matrix
    )


def test_looking_ahead_needs_momentum() -> None:
    with pytest.raises(ValueError, match=r"optimizer\.nesterov must be false without"):
        SGD(momentum=0.0, nesterov=True)


@every_member
def test_every_parameter_is_stepped_once_at_the_configured_rate(config: OptimizerConfig) -> None:
    model = tiny_model()
    optimizer = build_optimizer(config, model)
    inside = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(inside) == sorted(id(parameter) for parameter in model.parameters())
    assert {group["lr"] for group in optimizer.param_groups} == {config.rate}


@every_member
def test_it_goes_downhill_and_leaves_alone_what_has_no_gradient(config: OptimizerConfig) -> None:
    weights = Weights(1.0)
    optimizer = build_optimizer(config.model_copy(update={"rate": 0.05}), weights)
    for _ in range(30):
        optimizer.zero_grad()
        loss = (weights.matrix - 0.5).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (weights.matrix - 0.5).abs().max().item() < 0.25
    assert weights.bias.tolist() == [1.0, 1.0]


@every_member
def test_layer_decay_reaches_every_optimizer(config: OptimizerConfig) -> None:
    # The tiny model's backbone is one block: a convolution with its batch-norm.
    rates = [group["lr"] for group in build_optimizer(config, tiny_model(), layer_decay=0.5).param_groups]
    assert rates == [config.rate] * 2 + [config.rate * 0.5] * 2


class Headed(nn.Module):
    """A timm net without its classifier, and a head of ours."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.backbone = timm.create_model(name, num_classes=0)
        self.head = nn.Linear(int(self.backbone.head_hidden_size), 18)


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
def test_layer_decay_is_timms(name: str) -> None:
    """timm's own groups of the whole net with its classifier have the same rates and decays, name by name."""
    with torch.device("meta"):
        whole, ours = timm.create_model(name, num_classes=18), Headed(name)
    name_of = {id(parameter): parameter_name for parameter_name, parameter in whole.named_parameters()}
    expected = {
        name_of[id(parameter)]: (pytest.approx(0.01 * group["lr_scale"]), group["weight_decay"])
        for group in param_groups_layer_decay(whole, weight_decay=0.05, layer_decay=0.7)
        for parameter in group["params"]
    }
    classifier = whole.default_cfg["classifier"]
    name_of_ours = {
        id(parameter): re.sub("^head", classifier, parameter_name).removeprefix("backbone.")
        for parameter_name, parameter in ours.named_parameters()
    }
    got = {
        name_of_ours[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(ours, 0.01, 0.05, 0.7)
        for parameter in group["params"]
    }
    assert got == expected


def test_rates_fall_from_the_head_to_the_input() -> None:
    with torch.device("meta"):
        model = Headed("resnet18")
    rates = [group["lr"] for group in parameter_groups(model, 1.0, 0.1, 0.5)]
    assert rates == sorted(rates, reverse=True)
    # Stem, eight residual blocks, head; each with and without decay.
    assert rates == [0.5**depth for depth in range(10) for _ in range(2)]


def test_what_was_pretrained_learns_at_its_share() -> None:
    with torch.device("meta"):
        model = Headed("resnet18")
        model.published = PublishedLayers(2)
    groups = parameter_groups(model, 1.0, 0.1, None, 0.25)
    rate_of = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert {rate_of[id(parameter)] for parameter in model.head.parameters()} == {1.0}
    pretrained = [*model.backbone.parameters(), *model.published.parameters()]
    assert {rate_of[id(parameter)] for parameter in pretrained} == {0.25}
    assert len(rate_of) == len(list(model.parameters()))
