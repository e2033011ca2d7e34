"""The training loop that one would write first: PIL, torchvision's transforms, a DataLoader, fp32 and AdamW.

With the same net on the same photos as a recipe, and in a process of its own, as nothing that is set for ours may help
it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from PIL import Image as PillowImage
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from maskwise.errors import UserError
from maskwise.fitting.photos import input_spec
from maskwise.fitting.run_data import read_labels
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.records import Strings
from maskwise.speed.timed_blocks import TimedBlock, block_of
from maskwise.training.devices import choose_device


@contextmanager
def plain_loop(recipe: Recipe, data: Path) -> Iterator[TimedBlock]:
    """The block of the plain loop, whose process lives as long as the context."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=serve_plain, args=(recipe, data, theirs))
    process.start()
    theirs.close()  # else nobody would notice the end of the other process

    def block(length_s: float) -> float:
        try:
            mine.send(length_s)
            return float(mine.recv())
        except (EOFError, OSError) as error:
            raise UserError("the plain loop must answer, got the end of its process. See its message above.") from error

    try:
        yield block
    finally:
        mine.close()
        process.join(timeout=10)
        if process.is_alive():
            process.terminate()


class _Files(Dataset[tuple[Tensor, int]]):
    """Photos from disk through PIL and torchvision."""

    def __init__(self, root: Path, photo_N: Strings, class_N: Any, recipe: Recipe) -> None:
        self.root, self.photo_N, self.class_N = root, photo_N, class_N
        spec = input_spec(recipe)
        self.transform = v2.Compose(
            [
                v2.Resize((spec.height_px, spec.width_px)),
                v2.RandomHorizontalFlip(),
                v2.RandomAffine(8, translate=(0.06, 0.06), scale=(0.9, 1.1)),
                v2.ColorJitter(brightness=0.2),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(spec.mean_C, spec.std_C),
                v2.RandomErasing(),
            ]
        )

    def __len__(self) -> int:
        return len(self.photo_N)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with PillowImage.open(self.root / str(self.photo_N[index])) as photo:
            return self.transform(photo.convert("RGB")), int(self.class_N[index])


def serve_plain(recipe: Recipe, data: Path, requests: Connection) -> None:
    """In a process of its own: for each number of seconds that comes in, the photos per second of the plain loop."""
    block = block_of(plain_step(recipe, data), choose_device(recipe.runtime.device))
    try:
        while True:
            requests.send(block(requests.recv()))
    except (EOFError, BrokenPipeError):
        return


def plain_step(recipe: Recipe, data: Path) -> Callable[[], int]:
    """A step of the plain loop, the reading of its batch included."""
    manifest = read_labels(recipe, data)
    files = _Files(manifest.root, manifest.table.photo_N, manifest.table.train_class_N, recipe)
    loader = DataLoader(files, recipe.train.batch_size, shuffle=True, num_workers=recipe.runtime.workers)
    device = choose_device(recipe.runtime.device)
    model = build_model(recipe.model, recipe.task, load_weights=False).to(device)
    optimizer = torch.optim.AdamW(model.parameters())

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from loader

    waiting = batches()

    def step() -> int:
        images, target = (given.to(device) for given in next(waiting))
        loss = torch.nn.functional.cross_entropy(model(images).logits_NC, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return len(images)

    return step
