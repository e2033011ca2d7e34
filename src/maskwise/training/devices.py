"""The device and the number format of a run."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from typing import Literal, TypeVar

import torch
from torch import nn

from maskwise.errors import RecipeError, must

Precision = Literal["fp32", "bf16", "fp16"]
# glibc's mallopt parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1
Model = TypeVar("Model", bound=nn.Module)
_FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(wish: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a recipe asks for; "auto" is the GPU where there is one."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise RecipeError(must("runtime.device", "a device of this machine", "cuda", "Set it to auto or cpu."))
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wish)


def keep_freed_memory() -> None:
    """Let the C library keep the memory that a training step frees, for the next step to use.

    By default glibc hands large blocks back to the system at once and gets them again, page by page, in the next step:
    on CPUs that took a fifth of the time of a step. Other C libraries are left as they are. No number changes.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)


def place_model(model: Model, device: torch.device) -> Model:
    """``model`` on ``device``, its kernels laid out channels-last: faster for convolutions on CPUs and GPUs alike."""
    return model.to(device).to(memory_format=torch.channels_last)


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[object]:
    """The forward pass in ``precision``: fp32 is no cast at all."""
    if precision == "fp32":
        return contextlib.nullcontext()
    if precision == "fp16" and device.type == "cpu":
        raise RecipeError(
            must("train.precision", "fp32 or bf16 on a CPU", precision, "fp16 needs a GPU; bf16 runs on both.")
        )
    return torch.autocast(device.type, dtype=_FORMATS[precision])
