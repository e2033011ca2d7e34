"""What our gradients of depthwise convolutions gain in bf16: ``python benchmarks/depthwise_gradients.py``.

A training step of each net with torch's own gradients and with ours, by turns, on random pixels, batches of 32.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import timm
import torch
from torch import Tensor

from maskwise.memory import keep_freed_memory
from maskwise.training.depthwise import quicken_depthwise

NETS = (
    ("tf_efficientnet_lite0", 128, 112),
    ("tf_efficientnet_lite0", 160, 144),
    ("mobilenetv3_large_100", 128, 112),
    ("efficientnet_b0", 128, 112),
    ("convnext_atto", 128, 112),
)
BATCH = 32
PAIRS = 7


def step_of(name: str, images_NCHW: Tensor, *, ours: bool) -> Callable[[], None]:
    """A whole step of a fresh net."""
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=18).to(memory_format=torch.channels_last).train()
    if ours:
        quicken_depthwise(model)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            logits_NC = model(images_NCHW)
        logits_NC.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def seconds(step: Callable[[], None]) -> float:
    """Of one step."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def main() -> None:
    """One line a net."""
    keep_freed_memory()
    for name, height, width in NETS:
        images_NCHW = torch.randn(BATCH, 3, height, width).contiguous(memory_format=torch.channels_last)
        plain, ours = (step_of(name, images_NCHW, ours=each) for each in (False, True))
        plain()
        ours()
        ratios = [seconds(plain) / seconds(ours) for _ in range(PAIRS)]
        line = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{name} at {height} × {width}: {line} times as fast", flush=True)


if __name__ == "__main__":
    main()
