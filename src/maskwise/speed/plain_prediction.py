"""The loop that anybody would write first, to hold ``predict`` against: Pillow, torchvision and timm, step by step.

Nothing of maskwise is in it but the photos' names. It runs in a process of its own, so that neither knows of the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Rate(NamedTuple):
    """How fast something went."""

    photos: int
    seconds: float
    """On the clock."""
    processor_seconds: float
    """Of all threads together; hardly changed by other work on the machine."""

    @property
    def photos_per_second(self) -> float:
        """On the clock."""
        return self.photos / self.seconds

    @property
    def processor_ms(self) -> float:
        """A photo's."""
        return 1000 * self.processor_seconds / self.photos


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
    """How fast ``loop`` reads ``photos``, in a fresh process, its imports and the first batch not counted."""
    words = [json.dumps(loop), json.dumps([str(photo) for photo in photos])]
    code = "from maskwise.speed.plain_prediction import tell; tell()"
    found = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return Rate(*json.loads(found.stdout))


def tell() -> None:
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

    def ask(names: list[str]) -> None:
        images = torch.stack([prepare(Image.open(name).convert("RGB")) for name in names])
        for _ in range(loop.views):
            model(images).softmax(1).numpy()

    with torch.inference_mode():
        ask(photos[: loop.batch_size])
        started, worked = time.perf_counter(), time.process_time()
        for start in range(0, len(photos), loop.batch_size):
            ask(photos[start : start + loop.batch_size])
        print(json.dumps([len(photos), time.perf_counter() - started, time.process_time() - worked]))
