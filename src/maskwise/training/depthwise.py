"""Depthwise convolutions in bf16 on CPUs: the two gradients for which oneDNN has no program of its own.

oneDNN computes torch's convolutions on x86. Its program for the kernel gradient of a depthwise convolution takes
kernels of up to three columns; wider ones (5 × 5 in EfficientNet and MobileNet, 7 × 7 in ConvNeXt) go to the program
for ordinary convolutions, which multiplies sixteen channels with sixteen and keeps one of the sixteen. And in bf16 it
has none for the photos' gradient under a stride. Both are written here as sums that it has programs for: a column of
the kernel's gradient needs nothing of the other columns, so three are taken at a time; and the gradient under a stride
is the one without, of outputs with zeros in between (Dumoulin & Visin, arXiv 1603.07285, section 4). In fp32 they gain
too little (docs/LOG.md), so torch's own are taken there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from maskwise.models.same_padding import SameConv2d, pad_same

STRIP = 3
"""Columns of the widest kernel that oneDNN's program for the kernel gradient takes."""


def quicken_depthwise(model: nn.Module) -> None:
    """Let the depthwise convolutions of ``model`` take their gradients as described above in bf16.

    Names, parameters and results stay as they are; the gradients differ in the last bits.
    """
    for module in model.modules():
        quicker = _quicker(type(module))
        if quicker is not None and _is_depthwise(module):
            module.__class__ = quicker


def _is_depthwise(module: nn.Module) -> bool:
    """Whether ``module`` is a convolution that this file has something for; of their subclasses nothing is known."""
    return (
        isinstance(module, nn.Conv2d)
        and 1 < module.groups == module.in_channels == module.out_channels
        and (module.kernel_size[1] > STRIP or max(module.stride) > 1)
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and all(pad < size for pad, size in zip(module.padding, module.kernel_size, strict=True))
    )


class QuickDepthwise(nn.Conv2d):
    """A depthwise ``Conv2d`` with other ways to its gradients in bf16 on CPUs."""

    def forward(self, input: Tensor) -> Tensor:
        """N × C × H × W → N × C × H' × W'."""
        return _convolve(self, input) if _gains(input) else super().forward(input)


class QuickDepthwiseSame(SameConv2d):
    """The same with TensorFlow's SAME padding."""

    def forward(self, input: Tensor) -> Tensor:
        """N × C × H × W → N × C × ⌈H / stride⌉ × ⌈W / stride⌉."""
        if _gains(input):
            return _convolve(self, pad_same(input, self.kernel_size, self.stride))
        return super().forward(input)


def _quicker(kind: type[nn.Module]) -> type[nn.Conv2d] | None:
    """The class of the same convolution with the gradients of this file."""
    if kind is nn.Conv2d:
        return QuickDepthwise
    # timm takes seconds to load, so its class is known by its name.
    is_timms = (kind.__module__, kind.__name__) == ("timm.layers.conv2d_same", "Conv2dSame")
    return QuickDepthwiseSame if is_timms or kind is SameConv2d else None


def _gains(images: Tensor) -> bool:
    """Whether a convolution would now take ``images`` in bf16 on a CPU, and its gradients are wanted."""
    form = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else images.dtype
    return images.device.type == "cpu" and torch.is_grad_enabled() and form == torch.bfloat16


def _convolve(layer: nn.Conv2d, images: Tensor) -> Tensor:
    # Autocast does not reach into functions that bring their own gradient.
    images, kernel = images.bfloat16(), layer.weight.bfloat16()
    bias = None if layer.bias is None else layer.bias.bfloat16()
    convolved: Tensor = _Depthwise.apply(images, kernel, bias, layer.stride, layer.padding)
    return convolved


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution; all but the gradients named above is torch's own."""

    @staticmethod
    def forward(
        context: Any,
        images: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        context.save_for_backward(images, kernel)
        context.stride, context.padding, context.has_bias = stride, padding, bias is not None
        return functional.conv2d(images, kernel, bias, stride, padding, groups=len(kernel))

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, kernel = context.saved_tensors
        wants_images, wants_kernel, wants_bias = context.needs_input_grad[:3]
        given = (gradient, images, kernel, context.stride, context.padding)
        return (
            photo_gradient(*given) if wants_images else None,
            kernel_gradient(*given) if wants_kernel else None,
            gradient.sum(dim=(0, 2, 3)) if wants_bias and context.has_bias else None,
            None,
            None,
        )


def photo_gradient(
    gradient: Tensor, images: Tensor, kernel: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """N × C × H × W, the gradient of ``images`` by the outputs' ``gradient`` (N × C × H' × W')."""
    if stride == (1, 1):
        by_images, _ = _gradients(gradient, images, kernel, stride, padding, (True, False))
        assert by_images is not None
        return by_images
    around = [size - 1 - pad for size, pad in zip(kernel.shape[2:], padding, strict=True)]
    rows, columns = (
        length + size - 1 - 2 * each
        for length, size, each in zip(images.shape[2:], kernel.shape[2:], around, strict=True)
    )
    spread = gradient.new_zeros((len(gradient), rows, columns, len(kernel))).permute(0, 3, 1, 2)
    out_rows, out_columns = gradient.shape[2:]
    spread[:, :, : out_rows * stride[0] : stride[0], : out_columns * stride[1] : stride[1]] = gradient
    return functional.conv2d(spread, kernel.flip(2, 3), None, 1, around, groups=len(kernel))


def kernel_gradient(
    gradient: Tensor, images: Tensor, kernel: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """C × 1 × K × L, the gradient of ``kernel`` by the outputs' ``gradient`` (N × C × H' × W')."""
    rows, columns = kernel.shape[2:]
    if columns <= STRIP:
        _, by_kernel = _gradients(gradient, images, kernel, stride, padding, (False, True))
        assert by_kernel is not None
        return by_kernel
    # Kernels that are higher than the photo are slow again, unless the padding is a part of the photo.
    above = 0 if images.shape[2] >= rows else padding[0]
    strips, done = [], 0
    for first in (*range(0, columns - STRIP, STRIP), columns - STRIP):  # the last one overlaps the one before it
        left = padding[1] - first
        right = stride[1] * (gradient.shape[3] - 1) + STRIP - (left + images.shape[3])
        seen = functional.pad(images, (left, right, above, above))  # a negative number cuts off
        seen = seen.contiguous(memory_format=torch.channels_last)
        shape = kernel.new_empty((len(kernel), 1, rows, STRIP))
        _, strip = _gradients(gradient, seen, shape, stride, (padding[0] - above, 0), (False, True))
        assert strip is not None
        strips.append(strip[..., done - first :])
        done = first + STRIP
    return torch.cat(strips, dim=3)


def _gradients(
    gradient: Tensor,
    images: Tensor,
    kernel: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Torch's own gradients of the photos and the kernel, those that are ``wanted``."""
    by_images, by_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, images, kernel, None, stride, padding, (1, 1), False, (0, 0), len(kernel), (*wanted, False)
    )
    return by_images, by_kernel
