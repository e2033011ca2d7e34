"""Which places of a photo speak for a class: Grad-CAM, place by place.

R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh and D. Batra, "Grad-CAM: visual explanations from deep
networks via gradient-based localization", ICCV 2017, https://arxiv.org/abs/1610.02391: maps of a convolution, weighted
by the gradient of the class's logit, are added up, and what speaks against the class is cut. Their weight of a map is
the mean of its gradient over all places. Here every place keeps its own (R. L. Draelos and L. Carin, "Use HiResCAM
instead of Grad-CAM for faithful explanations of convolutional neural networks", https://arxiv.org/abs/2011.08891): the
same in a last layer whose mean is taken, and truer in the earlier layer that small inputs need, see docs/report.md.

One backward pass per photo, for any net of convolutions: covering patches in turn (occlusion) takes a hundred
passes, attention maps exist in transformers alone. For transformers there is no such map here: their tokens are not
the places of a convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_PLACES = 30
"""The map is taken from the last layer with so many places: at small inputs the very last has only four."""


def grad_cam(model: nn.Module, images_NCHW: Tensor, class_N: Tensor) -> Tensor | None:
    """Maps N × H × W, from 0 to 1, of what speaks for the joint classes ``class_N`` in images of H × W pixels.

    ``model`` (in eval mode) gives an ``Output`` and has its net as ``backbone``. A map of zeros says that nothing spoke
    for the class. None for a net without maps of ``LEAST_PLACES`` places at its end.
    """
    found = _last_maps(model, images_NCHW)
    if found is None:
        return None
    maps_NDhw, logits_NC = found
    wanted = logits_NC.gather(1, class_N[:, None]).sum()
    (gradient_NDhw,) = torch.autograd.grad(wanted, maps_NDhw)
    raw_Nhw = class_maps(maps_NDhw.detach(), gradient_NDhw)
    most_N = raw_Nhw.amax(dim=(1, 2), keepdim=True)
    scaled_Nhw = raw_Nhw / torch.where(most_N > 0, most_N, torch.ones_like(most_N))
    size = (int(images_NCHW.shape[2]), int(images_NCHW.shape[3]))
    return functional.interpolate(scaled_Nhw[:, None], size, mode="bilinear", align_corners=False)[:, 0]


def class_maps(maps_NDhw: Tensor, gradient_NDhw: Tensor) -> Tensor:
    """relu(Σ_d gradient_d · map_d) at every place, N × h × w."""
    return (gradient_NDhw * maps_NDhw).sum(dim=1).relu()


def _last_maps(model: nn.Module, images_NCHW: Tensor) -> tuple[Tensor, Tensor] | None:
    """(the maps of the last layer that has enough places, the joint logits); None for a net without."""
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _given: object, made: object) -> None:
        if isinstance(made, Tensor) and made.ndim in (3, 4) and made.requires_grad:
            seen.append(made)

    backbone = model.get_submodule("backbone")
    hooks = [module.register_forward_hook(keep) for module in backbone.modules()]
    try:
        with torch.enable_grad():
            logits_NC = model(images_NCHW.detach().requires_grad_()).logits_NC
    finally:
        for hook in hooks:
            hook.remove()
    while seen and seen[-1].ndim == 4 and seen[-1].shape[2] * seen[-1].shape[3] < LEAST_PLACES:
        seen.pop()
    usable = bool(seen) and seen[-1].ndim == 4 and not _channels_last(backbone)
    return (seen[-1], logits_NC) if usable else None


def _channels_last(backbone: nn.Module) -> bool:
    """timm says of nets like Swin that their maps have the channels behind the places."""
    return "NHWC" in str(getattr(backbone, "output_fmt", ""))
