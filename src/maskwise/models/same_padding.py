"""Convolutions with TensorFlow's SAME padding, without timm, which takes two seconds to load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class SameConv2d(nn.Conv2d):
    """A convolution whose maps are ⌈H / stride⌉ × ⌈W / stride⌉; of an odd padding the larger half is at the end."""

    def forward(self, input: Tensor) -> Tensor:
        """N × C × H × W → N × C × ⌈H / stride⌉ × ⌈W / stride⌉."""
        maps_NDHW: Tensor = self._conv_forward(pad_same(input, self.kernel_size, self.stride), self.weight, self.bias)
        return maps_NDHW


def pad_same(images_NCHW: Tensor, kernel_size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """``images_NCHW`` with the zeros around them that SAME padding means, for kernels without dilation."""
    high, wide = (
        _padding(side, size, step) for side, size, step in zip(images_NCHW.shape[-2:], kernel_size, stride, strict=True)
    )
    return functional.pad(images_NCHW, (wide // 2, wide - wide // 2, high // 2, high - high // 2))


def _padding(side: Any, size: int, step: int) -> Any:
    # While a network is written as ONNX, sides are tensors, and ONNX divides towards zero: nothing here is negative.
    missing = ((side + step - 1) // step - 1) * step + size - side
    return missing.clamp(min=0) if isinstance(missing, torch.Tensor) else max(missing, 0)
