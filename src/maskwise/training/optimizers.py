"""Optimisers, and which parameters decay."""

from __future__ import annotations

from typing import Any, assert_never

import torch
from torch import nn

from maskwise.recipe.train_config import SGD, Adam, AdamW, OptimizerConfig


def build_optimizer(config: OptimizerConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser over all parameters of ``model``; frozen ones are skipped as long as they have no gradient."""
    match config:
        case AdamW():
            return torch.optim.AdamW(_groups(model, config.weight_decay), lr=config.rate)
        case Adam():
            return torch.optim.Adam(model.parameters(), lr=config.rate)
        case SGD():
            return torch.optim.SGD(_groups(model, config.weight_decay), lr=config.rate, momentum=config.momentum)
    assert_never(config)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; biases and normalisation (one-dimensional) do not: decay would only shift them."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
