"""Optimizers: which parameters decay, and which learn slower than the head."""

from __future__ import annotations

from typing import Any, assert_never

import torch
from torch import nn

from maskwise.models.heads import PublishedLayers
from maskwise.recipe import optimizer_config as kinds
from maskwise.training.blocks import backbone_blocks


def build_optimizer(
    config: kinds.OptimizerConfig,
    model: nn.Module,
    layer_decay: float | None = None,
    pretrained_share: float | None = None,
) -> torch.optim.Optimizer:
    """The optimizer over all parameters of ``model``; frozen ones are skipped as long as they have no gradient.

    With ``layer_decay`` or ``pretrained_share``, the backbone and published heads have rates of their own
    (``parameter_groups``).
    The first group is one of the full rate. Adam and AdamW take their step in one loop over all parameters: calls for
    each of a network's hundreds of small tensors cost more than their sums. (That of SGD fails for parameters that
    thaw later than others.)
    """
    fused = _fusable(model)
    groups = parameter_groups(model, config.rate, config.weight_decay, layer_decay, pretrained_share)
    match config:
        case kinds.AdamW():
            return torch.optim.AdamW(groups, betas=config.betas, fused=fused)
        case kinds.Adam():
            return torch.optim.Adam(groups, betas=config.betas, fused=fused)
        case kinds.NAdam():
            return torch.optim.NAdam(groups, betas=config.betas, decoupled_weight_decay=True)
        case kinds.RAdam():
            return torch.optim.RAdam(groups, betas=config.betas, decoupled_weight_decay=True)
        case kinds.Adamax():
            return torch.optim.Adamax(groups, betas=config.betas)
        case kinds.SGD():
            return torch.optim.SGD(groups, momentum=config.momentum, nesterov=config.nesterov)
        case kinds.RMSprop():
            return torch.optim.RMSprop(groups, alpha=config.smoothing, momentum=config.momentum)
        case kinds.Adagrad():
            return torch.optim.Adagrad(groups)
    assert_never(config)


def _fusable(model: nn.Module) -> bool:
    """Whether its parameters are where torch has loops of this kind."""
    return {parameter.device.type for parameter in model.parameters()} <= {"cpu", "cuda"}


def parameter_groups(
    model: nn.Module, rate: float, weight_decay: float, layer_decay: float | None, pretrained_share: float | None = None
) -> list[dict[str, Any]]:
    """Every parameter of ``model`` once, in groups of one rate and one decay, from the head to the input.

    Matrices and kernels decay; biases and normalization (one-dimensional) do not: decay would only shift them. With
    ``layer_decay`` the k-th block of ``model.backbone``, counted from its end (k = 1, 2, …), learns at
    ``rate`` · ``layer_decay`` ** k and all that is not backbone at ``rate`` (ELECTRA, arXiv 2003.10555; BEiT,
    arXiv 2106.08254). The backbone and the heads that were published with it learn at ``pretrained_share`` of that.
    """
    groups = []
    for parameters, layer_rate in _layers(model, rate, layer_decay, pretrained_share):
        for chosen, decay in (
            ([p for p in parameters if p.ndim > 1], weight_decay),
            ([p for p in parameters if p.ndim <= 1], 0.0),
        ):
            if chosen:
                groups.append({"params": chosen, "lr": layer_rate, "weight_decay": decay})
    return groups


def _layers(
    model: nn.Module, rate: float, layer_decay: float | None, pretrained_share: float | None
) -> list[tuple[list[nn.Parameter], float]]:
    """The parameters of each layer from the head on, and their rate; all in one without a decay or a share."""
    if layer_decay is None and pretrained_share is None:
        return [(list(model.parameters()), rate)]
    backbone = model.get_submodule("backbone")
    parameter_of_name = dict(backbone.named_parameters())
    blocks = [[parameter_of_name[name] for name in names] for names in backbone_blocks(backbone)]
    heads = [p for module in model.modules() if isinstance(module, PublishedLayers) for p in module.parameters()]
    pretrained_rate, decay = rate * (pretrained_share or 1.0), layer_decay or 1.0
    began = {id(parameter) for parameter in [*backbone.parameters(), *heads]}
    return [
        ([p for p in model.parameters() if id(p) not in began], rate),
        (heads, pretrained_rate),
        *((block, pretrained_rate * decay**depth) for depth, block in enumerate(reversed(blocks), start=1)),
    ]
