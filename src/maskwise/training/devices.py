"""The device and the number format of a run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from maskwise.errors import RecipeError, must
from maskwise.recipe.train_config import Layout, StepKind
from maskwise.records import Output

Precision = Literal["fp32", "bf16", "fp16", "auto"]
Model = TypeVar("Model", bound=nn.Module)
_MEMORY_FORMATS: dict[Layout, torch.memory_format] = {
    "channels_last": torch.channels_last,
    "contiguous": torch.contiguous_format,
}
_LIKE_EAGER: dict[str, str | int | bool | Callable[..., object]] = {"fallback_random": True}
"""Dropout takes its random numbers from where it takes them without compiling."""
_TRIES = 12
_FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a recipe names; "auto" is the GPU where there is one."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RecipeError(must("runtime.device", "a device of this machine", "cuda", "Set it to auto or cpu."))
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def place_model(model: Model, device: torch.device, layout: Layout = "channels_last") -> Model:
    """``model`` on ``device``, its kernels laid out as ``layout`` says."""
    return model.to(device).to(memory_format=_MEMORY_FORMATS[layout])


def laid_out(images: Tensor, layout: Layout) -> Tensor:
    """N × C × H × W laid out as ``layout`` says; anything else (features) as it is."""
    return images.contiguous(memory_format=_MEMORY_FORMATS[layout]) if images.ndim == 4 else images


def learner(model: nn.Module, step: StepKind) -> Callable[[Tensor], Output]:
    """``model`` as its training calls it; the weights are shared, and only what is called here is compiled."""
    forward: Callable[[Tensor], Output] = model if step == "eager" else torch.compile(model, options=_LIKE_EAGER)
    return forward


def wait_for(device: torch.device) -> None:
    """Until a GPU has done all its work. Work is queued ahead, so without this a clock would time the queueing."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seed_torch(seed: int, device: torch.device) -> None:
    """What ``torch.manual_seed`` does for ``device``, without its search for others, which takes a millisecond."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@cache
def multiplies_bf16(device: torch.device) -> bool:
    """Whether a CPU multiplies bf16 clearly faster than fp32 (it has AMX), found by trying once in a process."""
    if device.type != "cpu":
        return False
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        factor = torch.ones((512, 512), dtype=dtype)
        times = []
        for _ in range(_TRIES):
            started = time.perf_counter()
            factor @ factor
            times.append(time.perf_counter() - started)
        seconds.append(min(times))
    return seconds[1] < seconds[0] / 2


def predicting_precision(trained_in: Precision, device: torch.device) -> Precision:
    """What a model that was trained in this format predicts in: the same, but no fp16 on a CPU, which lacks it."""
    return "fp32" if trained_in == "fp16" and device.type == "cpu" else trained_in


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[object]:
    """The forward pass in ``precision``: fp32 is no cast at all, nor is auto where nobody has measured."""
    if precision in ("fp32", "auto"):
        return contextlib.nullcontext()
    if precision == "fp16" and device.type == "cpu":
        raise RecipeError(
            must("train.precision", "fp32 or bf16 on a CPU", precision, "fp16 needs a GPU; bf16 runs on both.")
        )
    return torch.autocast(device.type, dtype=_FORMATS[precision])
