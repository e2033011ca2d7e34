"""What folding batch norms into convolutions gains where a model only answers: ``python benchmarks/folded_norms.py``.

The same net as it is and folded, by turns, on batches of 64 random images; the copying is not counted.
"""

from __future__ import annotations

import statistics
import time

import timm
import torch
from torch import Tensor, nn

from maskwise.memory import keep_freed_memory
from maskwise.records import InputSpec
from maskwise.training.folding import folded

NETS = ("tf_efficientnet_lite0", "mobilenetv3_large_100", "efficientnet_b0", "resnet18", "resnext50_32x4d")
SPEC = InputSpec(128, 112, {}, (0.5,) * 3, (0.5,) * 3)
BATCH = 64
PAIRS = 9


def seconds_to_answer(model: nn.Module, images_NCHW: Tensor) -> float:
    """Of one batch."""
    started = time.perf_counter()
    with torch.inference_mode():
        model(images_NCHW)
    return time.perf_counter() - started


def main() -> None:
    """One line a net."""
    keep_freed_memory()
    shape = (BATCH, 3, SPEC.height_px, SPEC.width_px)
    images_NCHW = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    for name in NETS:
        plain = timm.create_model(name, num_classes=18).to(memory_format=torch.channels_last).eval()
        quicker = folded(plain, SPEC)
        pairs = [(seconds_to_answer(plain, images_NCHW), seconds_to_answer(quicker, images_NCHW)) for _ in range(PAIRS)]
        ratios = [before / after for before, after in pairs[1:]]  # the first asks for memory
        speed = BATCH / statistics.median(after for _, after in pairs[1:])
        told = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times as fast"
        print(f"{name}: {told}, {speed:.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
