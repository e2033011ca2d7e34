"""Optimisers: which parameters decay, and which learn slower than the head."""

from __future__ import annotations

from typing import Any, assert_never

import torch
from torch import nn

from maskwise.recipe import optimizer_config as kinds
from maskwise.training.blocks import backbone_blocks


def build_optimizer(
    config: kinds.OptimizerConfig, model: nn.Module, layer_decay: float | None = None
) -> torch.optim.Optimizer:
    """The optimiser over all parameters of ``model``; frozen ones are skipped as long as they have no gradient.

    With ``layer_decay``, the blocks of the submodule ``backbone`` have rates of their own (``parameter_groups``).
    The first group is one of the full rate. Adam and AdamW take their step in one loop over all parameters: calls for
    each of a network's hundreds of small tensors cost more than their sums. (That of SGD fails for parameters that
    thaw later than others.)
    """
    fused = _fusable(model)
    weight_decay = 0.0 if isinstance(config, kinds.Adam) else config.weight_decay
    groups = parameter_groups(model, config.rate, weight_decay, layer_decay)
    match config:
        case kinds.AdamW():
            return torch.optim.AdamW(groups, fused=fused)
        case kinds.Adam():
            return torch.optim.Adam(groups, fused=fused)
        case kinds.NAdam():
            return torch.optim.NAdam(groups, decoupled_weight_decay=True)
        case kinds.RAdam():
            return torch.optim.RAdam(groups, decoupled_weight_decay=True)
        case kinds.Adamax():
            return torch.optim.Adamax(groups)
        case kinds.SGD():
            return torch.optim.SGD(groups, momentum=config.momentum)
        case kinds.RMSprop():
            return torch.optim.RMSprop(groups, alpha=config.smoothing, momentum=config.momentum)
        case kinds.Adagrad():
            return torch.optim.Adagrad(groups)
    assert_never(config)


def _fusable(model: nn.Module) -> bool:
    """Whether its parameters are where torch has loops of this kind."""
    return {parameter.device.type for parameter in model.parameters()} <= {"cpu", "cuda"}


def parameter_groups(
    model: nn.Module, rate: float, weight_decay: float, layer_decay: float | None
) -> list[dict[str, Any]]:
    """Every parameter of ``model`` once, in groups of one rate and one decay, from the head to the input.

    Matrices and kernels decay; biases and normalisation (one-dimensional) do not: decay would only shift them. With
    ``layer_decay`` the k-th block of ``model.backbone``, counted from its end (k = 1, 2, …), learns at
    ``rate`` · ``layer_decay`` ** k and all that is not backbone at ``rate`` (ELECTRA, arXiv 2003.10555; BEiT,
    arXiv 2106.08254).
    """
    groups = []
    for depth, parameters in enumerate(_layers(model, layer_decay is not None)):
        layer_rate = rate if layer_decay is None else rate * layer_decay**depth
        for chosen, decay in (
            ([p for p in parameters if p.ndim > 1], weight_decay),
            ([p for p in parameters if p.ndim <= 1], 0.0),
        ):
            if chosen:
                groups.append({"params": chosen, "lr": layer_rate, "weight_decay": decay})
    return groups


def _layers(model: nn.Module, by_block: bool) -> list[list[nn.Parameter]]:
    """The parameters of each layer from the head on; all in one without ``by_block``."""
    if not by_block:
        return [list(model.parameters())]
    backbone = model.get_submodule("backbone")
    parameter_of_name = dict(backbone.named_parameters())
    blocks = [[parameter_of_name[name] for name in names] for names in backbone_blocks(backbone)]
    inside = {id(parameter) for parameter in backbone.parameters()}
    return [[p for p in model.parameters() if id(p) not in inside], *reversed(blocks)]
