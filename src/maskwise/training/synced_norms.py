"""Batch norms over the photos of all processes: mean and variance are those of the whole batch, as in one process.

PyTorch's SyncBatchNorm does the same on GPUs alone, and for its own classes of batch norms. Here it is the call of the
function below all of them that is replaced while a batch goes through the model. Ioffe & Szegedy 2015, 1502.03167.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from maskwise.training.processes import n_processes

_BATCH_NORM = inspect.signature(functional.batch_norm)


def norms_over_all(sync: bool) -> contextlib.AbstractContextManager[object]:
    """Inside, batch norms see the whole batch where ``sync``; with one process they do anyway."""
    return _OverAll() if sync and n_processes() > 1 else contextlib.nullcontext()


def norm_over_all(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``functional.batch_norm`` in training for N × C × … rows of this process, by the statistics of all processes'.

    Running statistics are updated as there: the variance is that of a sample.
    """
    shape = (1, -1, *[1] * (input.ndim - 2))
    over = [axis for axis in range(input.ndim) if axis != 1]
    rows = input.float()
    n_own = rows.new_tensor([rows.numel() // rows.shape[1]])
    sums: Tensor = _Summed.apply(torch.cat([rows.sum(over), n_own]))
    mean_C, count = sums[:-1] / sums[-1], sums[-1].detach()
    centered = rows - mean_C.view(shape)
    var_C: Tensor = _Summed.apply(centered.square().sum(over)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean_C.to(running_mean.dtype), momentum)
            running_var.lerp_((var_C * count / (count - 1)).to(running_var.dtype), momentum)
    normed = centered * torch.rsqrt(var_C + eps).view(shape)
    if weight is not None:
        normed = normed * weight.view(shape)
    if bias is not None:
        normed = normed + bias.view(shape)
    typed: Tensor = normed.to(input.dtype)
    return typed


class _OverAll(TorchFunctionMode):
    """Takes the calls of ``functional.batch_norm`` that are in training."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.batch_norm:
            bound = _BATCH_NORM.bind(*args, **(kwargs or {}))
            bound.apply_defaults()
            given = bound.arguments
            if given.pop("training"):
                return norm_over_all(**given)
        return func(*args, **(kwargs or {}))


class _Summed(torch.autograd.Function):
    """The sum over all processes; so is its gradient, as each has that of its own rows."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:  # noqa: ARG004 (autograd's signature)
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
