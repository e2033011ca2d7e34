"""The loop that anybody would write first, to hold ``predict`` against: Pillow, torchvision and timm, step by step.

Nothing of maskwise is in it but the photos' names. It runs in a process of its own, so that neither knows of the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from maskwise.speed.rates import Rate, timed


class PlainLoop(NamedTuple):
    """What the loop does."""

    model: str
    """A name of timm; its weights are random, which takes the same time."""
    height_px: int
    width_px: int
    views: int
    """How often each photo is shown."""
    batch_size: int


def plain_rate(loop: PlainLoop, photos: Sequence[Path]) -> Rate:
    """How fast ``loop`` predicts ``photos`` in a fresh process; its imports and the first batch are not counted."""
    words = [json.dumps(loop), json.dumps([str(photo) for photo in photos])]
    code = "from maskwise.speed.plain_prediction import print_rate; print_rate()"
    found = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return Rate(*json.loads(found.stdout))


def print_rate() -> None:
    """The process of its own: print the rate of the loop and the photos on the command line."""
    import timm
    import torch
    from PIL import Image
    from torchvision import transforms

    loop, photos = PlainLoop(*json.loads(sys.argv[1])), json.loads(sys.argv[2])
    model = timm.create_model(loop.model, num_classes=18).eval()
    size = (loop.height_px, loop.width_px)
    steps = [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
    prepare = transforms.Compose(steps)

    def predict(names: list[str]) -> None:
        images = torch.stack([prepare(Image.open(name).convert("RGB")) for name in names])
        for _ in range(loop.views):
            model(images).softmax(1).numpy()

    def predict_all() -> None:
        for start in range(0, len(photos), loop.batch_size):
            predict(photos[start : start + loop.batch_size])

    with torch.inference_mode():
        predict(photos[: loop.batch_size])
        print(json.dumps(timed(predict_all, len(photos))))
