"""Depthwise convolutions with other ways to their gradients: torch's own are the reference, in every format."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from maskwise.training.depthwise import (
    QuickDepthwise,
    QuickDepthwiseSame,
    kernel_gradient,
    photo_gradient,
    quicken_depthwise,
)

# Kernels of 3 to 7, square or not; maps larger, as large and smaller than the kernel; odd and even; both strides.
SHAPES = [
    # rows, columns, kernel, stride, padding
    (9, 8, (5, 5), (1, 1), (2, 2)),
    (9, 8, (5, 5), (2, 2), (2, 2)),
    (12, 11, (5, 5), (2, 2), (0, 0)),
    (10, 9, (7, 7), (1, 1), (3, 3)),
    (11, 10, (7, 7), (2, 2), (3, 3)),
    (4, 4, (7, 7), (1, 1), (3, 3)),
    (3, 2, (5, 5), (1, 1), (2, 2)),
    (4, 3, (5, 5), (2, 2), (2, 2)),
    (9, 8, (3, 3), (2, 2), (1, 1)),
    (8, 9, (3, 3), (2, 2), (0, 0)),
    (8, 9, (1, 5), (1, 1), (0, 2)),
    (8, 9, (5, 4), (1, 2), (2, 1)),
    (8, 9, (4, 6), (2, 1), (1, 2)),
]
Strides = tuple[int, int]


def given(
    rows: int, columns: int, kernel: Strides, stride: Strides, padding: Strides, dtype: torch.dtype
) -> list[Tensor]:
    """(outputs' gradient, images, kernel), channels-last, of small whole numbers: their sums are exact in bf16, too."""
    rng = torch.Generator().manual_seed(rows * 100 + columns)

    def numbers(*shape: int) -> Tensor:
        return torch.randint(-2, 3, shape, generator=rng).to(dtype)

    images = numbers(2, 6, rows, columns).contiguous(memory_format=torch.channels_last)
    weights = numbers(6, 1, *kernel)
    out = functional.conv2d(images.float(), weights.float(), None, stride, padding, groups=6)
    return [numbers(*out.shape).contiguous(memory_format=torch.channels_last), images, weights]


def torchs(
    gradient: Tensor, images: Tensor, kernel: Tensor, stride: Strides, padding: Strides
) -> tuple[Tensor, Tensor]:
    """The gradients by torch's own backward pass, in float64."""
    seen, weights = images.double().requires_grad_(), kernel.double().requires_grad_()
    functional.conv2d(seen, weights, None, stride, padding, groups=len(kernel)).backward(gradient.double())  # type: ignore[no-untyped-call]
    assert seen.grad is not None
    assert weights.grad is not None
    return seen.grad, weights.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("rows", "columns", "kernel", "stride", "padding"), SHAPES)
def test_both_gradients_are_torchs(
    rows: int, columns: int, kernel: Strides, stride: Strides, padding: Strides, dtype: torch.dtype
) -> None:
    gradient, images, weights = given(rows, columns, kernel, stride, padding, dtype)
    by_images, by_kernel = torchs(gradient, images, weights, stride, padding)
    found_images = photo_gradient(gradient, images, weights, stride, padding)
    found_kernel = kernel_gradient(gradient, images, weights, stride, padding)
    assert (found_images.dtype, found_kernel.dtype) == (dtype, dtype)
    assert torch.equal(found_images.double(), by_images.to(dtype).double())
    assert torch.equal(found_kernel.double(), by_kernel.to(dtype).double())


def test_a_gradient_by_hand() -> None:
    """One row of one channel, a kernel of five: column k of its gradient is Σ image[i + k − 2] · gradient[i]."""
    images = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3)
    gradient = torch.tensor([1.0, 0.0, -1.0]).view(1, 1, 1, 3)
    found = kernel_gradient(gradient, images, torch.zeros(1, 1, 1, 5), (1, 1), (0, 2))
    assert found.flatten().tolist() == [0 - 1, 0 - 2, 1 - 3, 2 - 0, 3 - 0]


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("layer", [nn.Conv2d(8, 8, 5, 2, 2, groups=8), Conv2dSame(8, 8, 5, 2, groups=8, bias=False)])
def test_a_layer_learns_the_same(layer: nn.Conv2d, autocast: bool) -> None:
    quick = nn.Sequential(copy.deepcopy(layer))
    quicken_depthwise(quick)
    assert type(quick[0]) in (QuickDepthwise, QuickDepthwiseSame)
    images = torch.randn(3, 8, 12, 11, generator=torch.Generator().manual_seed(0))
    found = []
    for module in (layer, quick[0]):
        module.zero_grad()
        seen = images.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            convolved = module(seen)
        convolved.float().square().sum().backward()
        assert convolved.dtype == (torch.bfloat16 if autocast else torch.float32)
        assert seen.grad is not None
        found.append([convolved.float(), seen.grad, *(each.grad for each in module.parameters())])
    relative, absolute = (0.02, 0.2) if autocast else (0.0, 0.0)  # in fp32 they are torch's own
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(two, one, rtol=relative, atol=absolute)


def test_only_layers_that_gain_are_changed_and_names_and_results_stay() -> None:
    layers = {
        "wide": nn.Conv2d(4, 4, 5, padding=2, groups=4),
        "strided": nn.Conv2d(4, 4, 3, 2, 1, groups=4),
        "small": nn.Conv2d(4, 4, 3, padding=1, groups=4),
        "dense": nn.Conv2d(4, 4, 5, padding=2),
        "more": nn.Conv2d(4, 8, 5, padding=2, groups=4),
        "dilated": nn.Conv2d(4, 4, 5, padding=4, groups=4, dilation=2),
        "mirrored": nn.Conv2d(4, 4, 5, padding=2, groups=4, padding_mode="reflect"),
        "one": nn.Conv2d(1, 1, 5, padding=2),
    }
    model = nn.ModuleDict(layers)
    before = copy.deepcopy(model)
    quicken_depthwise(model)
    assert {name for name, layer in model.items() if type(layer) is QuickDepthwise} == {"wide", "strided"}
    assert list(model.state_dict()) == list(before.state_dict())
    images = torch.randn(2, 4, 9, 9)
    assert torch.equal(model["wide"](images), before["wide"](images))
    with torch.inference_mode():
        assert torch.equal(model["wide"](images), before["wide"](images))


def test_a_frozen_layer_passes_its_gradient_on_and_has_none() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 5, padding=2, groups=4))
    quicken_depthwise(model)
    model.requires_grad_(False)
    images = torch.randn(2, 4, 9, 9, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        model(images).sum().backward()
    assert images.grad is not None
    assert model[0].weight.grad is None


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "mobilenetv3_small_050"])
def test_a_whole_net_learns_the_same(name: str) -> None:
    torch.manual_seed(0)
    plain = timm.create_model(name, num_classes=5).train()
    quick = copy.deepcopy(plain)
    quicken_depthwise(quick)
    assert any(type(module) in (QuickDepthwise, QuickDepthwiseSame) for module in quick.modules())
    images = torch.randn(8, 3, 48, 40).contiguous(memory_format=torch.channels_last)
    for model in (plain, quick):
        torch.manual_seed(1)  # for its dropout
        with torch.autocast("cpu", torch.bfloat16):
            logits_NC = model(images)
        logits_NC.float().square().mean().backward()
    for (label, one), two in zip(plain.named_parameters(), quick.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        assert float((one.grad - two.grad).norm()) <= 0.1 * float(one.grad.norm()) + 1e-6, label
