"""What keeping freed memory gains a training step: ``python benchmarks/freed_memory.py``.

Runs the same step in fresh processes, by turns with and without ``keep_freed_memory``, and prints the medians and their
ratio. The machine should be idle.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import timm
import torch

from maskwise.memory import keep_freed_memory
from maskwise.training.devices import place_model

ROUNDS, WARM_UP, STEPS, BATCH = 5, 3, 12, 32


def photos_per_second(keep: bool) -> float:
    """Median speed of a training step of EfficientNet-Lite0 at 128 × 112, fp32."""
    if keep:
        keep_freed_memory()
    model = place_model(timm.create_model("tf_efficientnet_lite0", num_classes=18), torch.device("cpu"))
    optimizer = torch.optim.AdamW(model.parameters())
    images = torch.rand(BATCH, 3, 128, 112).to(memory_format=torch.channels_last)
    target = torch.randint(0, 18, (BATCH,))
    seconds = []
    for _ in range(WARM_UP + STEPS):
        started = time.perf_counter()
        torch.nn.functional.cross_entropy(model(images), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
    return BATCH / statistics.median(seconds[WARM_UP:])


def main() -> None:
    """Pairs of fresh processes, then one line."""
    speeds: dict[str, list[float]] = {"keep": [], "give back": []}
    for _ in range(ROUNDS):
        for name, found in speeds.items():
            ended = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
            found.append(float(ended.stdout))
    ratio = statistics.median(a / b for a, b in zip(speeds["keep"], speeds["give back"], strict=True))
    for name, found in speeds.items():
        spread = f"median of {ROUNDS}, {min(found):.1f} to {max(found):.1f}"
        print(f"{name:10} {statistics.median(found):6.1f} photos/s ({spread})")
    print(f"ratio      {ratio:6.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(photos_per_second(keep=sys.argv[1] == "keep"))
    else:
        main()
