"""Batch norms of a model that only answers, folded into the convolutions before them (a CPU need not pass twice).

A batch norm whose statistics stand still is a factor and a shift of each channel, and so is a part of the convolution
before it (Jacob et al. 2018, arXiv 1712.05877, section 3.2). docs/benchmarks.md says what that gains.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from maskwise.records import InputSpec

_FURTHEST = 1e-3
"""Of the largest answer: rounding moves deep networks by a thirtieth of this, a batch norm that is lost by far more."""


def folded(model: nn.Module, spec: InputSpec) -> nn.Module:
    """A copy of ``model``, which must be in eval mode, that answers the same in less time; for images as ``spec`` says.

    Which batch norm follows which convolution is seen by asking the model for two made-up images. The copy is asked
    for them, too: where its answers are others, as where a convolution's outcome is used twice, and where there is
    nothing to fold, or no CPU, ``model`` itself is returned. Answers differ in their last bits.
    """
    if not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        return model
    images_NCHW = _made_up(model, spec)
    if images_NCHW.device.type != "cpu":
        return model
    with torch.inference_mode():
        pairs, wanted = _watched(model, images_NCHW)
        if not pairs:
            return model
        quicker = copy.deepcopy(model)
        for convolution, norm in pairs:
            _fold(quicker, convolution, norm)
        return quicker if _alike(_tensors(quicker(images_NCHW)), wanted) else model


def _made_up(model: nn.Module, spec: InputSpec) -> Tensor:
    chance = torch.Generator().manual_seed(0)
    images = torch.randn((2, 3, spec.height_px, spec.width_px), generator=chance)
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    return images.to(device).contiguous(memory_format=torch.channels_last)


def _watched(model: nn.Module, images_NCHW: Tensor) -> tuple[list[tuple[str, str]], list[Tensor]]:
    """Names of convolutions and the batch norms that read their outcome, each used once; and the model's answers."""
    made_by: dict[int, str] = {}
    kept: list[Tensor] = []  # as long as they live, no other tensor has their ids
    uses: Counter[str] = Counter()
    pairs: list[tuple[str, str]] = []
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):

            def note(_module: nn.Module, _given: Any, answer: Tensor, name: str = name) -> None:
                made_by[id(answer)] = name
                kept.append(answer)
                uses[name] += 1

            hooks.append(module.register_forward_hook(note))
        elif type(module) in (nn.BatchNorm2d, BatchNormAct2d) and module.running_mean is not None:

            def meet(_module: nn.Module, given: tuple[Tensor, ...], name: str = name) -> None:
                uses[name] += 1
                if (convolution := made_by.get(id(given[0]))) is not None:
                    pairs.append((convolution, name))

            hooks.append(module.register_forward_pre_hook(meet))
    try:
        answers = _tensors(model(images_NCHW))
    finally:
        for hook in hooks:
            hook.remove()
    norms_of = Counter(convolution for convolution, _ in pairs)
    once = [(c, n) for c, n in pairs if uses[c] == uses[n] == norms_of[c] == 1]
    return once, answers


def _fold(model: nn.Module, convolution: str, norm: str) -> None:
    before, after = model.get_submodule(convolution), model.get_submodule(norm)
    assert isinstance(before, nn.Conv2d)
    assert isinstance(after, nn.BatchNorm2d)
    parent, _, name = convolution.rpartition(".")
    setattr(model.get_submodule(parent), name, fuse_conv_bn_eval(before, after))
    rest = nn.Sequential(after.drop, after.act) if isinstance(after, BatchNormAct2d) else nn.Identity()
    parent, _, name = norm.rpartition(".")
    setattr(model.get_submodule(parent), name, rest)


def _tensors(answer: Any) -> list[Tensor]:
    return [answer] if isinstance(answer, Tensor) else [each for each in answer if each is not None]


def _alike(answers: list[Tensor], wanted: list[Tensor]) -> bool:
    return all(
        float((answer - want).abs().max()) <= _FURTHEST * float(want.abs().max())
        for answer, want in zip(answers, wanted, strict=True)
    )
