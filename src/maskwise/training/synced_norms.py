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
    normed, mean_C, var_C, count = _NormOverAll.apply(input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean_C.to(running_mean.dtype), momentum)
            running_var.lerp_((var_C * count / (count - 1)).to(running_var.dtype), momentum)
    typed: Tensor = normed
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


class _NormOverAll(torch.autograd.Function):
    """A message forward, one backward, and few passes over the rows: on CPUs both are what costs.

    Gives the normed rows; and mean, variance (of the population) and number of all rows, which pass no gradient on.
    """

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rows = _precise(input)
        over = [axis for axis in range(rows.ndim) if axis != 1]
        own_3C = torch.stack([*torch.var_mean(rows, over, correction=0), rows.new_zeros(rows.shape[1])])
        own_3C[2] = rows.numel() // rows.shape[1]
        all_P3C = [torch.empty_like(own_3C) for _ in range(n_processes())]
        distributed.all_gather(all_P3C, own_3C)
        var_PC, mean_PC, n_PC = torch.stack(all_P3C).unbind(1)
        # Chan, Golub & LeVeque 1979: the variance of all from those of parts, without E[x²] − E[x]², which cancels.
        count = n_PC[:, 0].sum()
        mean_C = (n_PC * mean_PC).sum(0) / count
        var_C = (n_PC * (var_PC + (mean_PC - mean_C).square())).sum(0) / count
        inverse_C = torch.rsqrt(var_C + eps)
        scale_C = inverse_C if weight is None else inverse_C * _precise(weight)
        shift_C = -mean_C * scale_C if bias is None else _precise(bias) - mean_C * scale_C
        ctx.save_for_backward(input, weight, mean_C, inverse_C, scale_C, count)
        ctx.mark_non_differentiable(mean_C, var_C, count)
        ctx.bias_dtype = None if bias is None else bias.dtype
        normed = torch.addcmul(_beside(shift_C, rows), rows, _beside(scale_C, rows))
        return normed.to(input.dtype), mean_C, var_C, count

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """That of a batch norm over all rows; of ``weight`` and ``bias`` the own rows' part, as of other parameters."""
        input, weight, mean_C, inverse_C, scale_C, count = ctx.saved_tensors
        rows, given = _precise(input), _precise(gradients[0])
        over = [axis for axis in range(rows.ndim) if axis != 1]
        of_bias_C = given.sum(over)
        along_C = (given * (rows - _beside(mean_C, rows))).sum(over)
        total_2C = torch.stack([of_bias_C, along_C])
        distributed.all_reduce(total_2C)
        slope_C = -scale_C * inverse_C.square() * total_2C[1] / count
        level_C = -scale_C * total_2C[0] / count - mean_C * slope_C
        of_rows = torch.addcmul(_beside(level_C, rows), rows, _beside(slope_C, rows))
        of_rows.addcmul_(given, _beside(scale_C, rows))
        of_weight = None if weight is None else (along_C * inverse_C).to(weight.dtype)
        of_bias = None if ctx.bias_dtype is None else of_bias_C.to(ctx.bias_dtype)
        return of_rows.to(input.dtype), of_weight, of_bias, None


def _precise(tensor: Tensor) -> Tensor:
    """At least in float32: sums of half precision would be coarse."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _beside(value_C: Tensor, rows: Tensor) -> Tensor:
    """A value for each channel, in the shape that goes with ``rows``."""
    return value_C.view(1, -1, *[1] * (rows.ndim - 2))
