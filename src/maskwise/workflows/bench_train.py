"""How fast a recipe trains here: its whole loop, its bare step, and the loop that one would write first.

Each is timed in blocks, by turns, so that whatever else the machine does meets all three. The plain loop is a process
of its own, as nothing that is set for ours may help it: PIL, torchvision's transforms, a DataLoader, fp32 and AdamW,
with the same net on the same photos.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from maskwise.errors import RecipeError, UserError, must
from maskwise.memory import keep_freed_memory
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.records import Strings
from maskwise.training.devices import autocast, laid_out
from maskwise.training.listeners import Silent, StepReport
from maskwise.training.loop import Trainer
from maskwise.training.stopping import stop_request
from maskwise.workflows.choose_speed import settle_precision
from maskwise.workflows.folds import bind_fit
from maskwise.workflows.photos import input_spec
from maskwise.workflows.run_data import read_labels, read_photos

WARM_UP_S = 1.0
_NEVER_S = 1e9
Block = Callable[[float], float]
"""Seconds to work → photos a second."""


@dataclass(frozen=True)
class TrainingSpeed:
    """Photos a second: medians over the rounds, and ratios of the medians of pairs."""

    model: str
    way: str
    """Number format, layout in memory, kind of step."""
    threads: int
    rounds: int
    loop: float
    """The recipe's training, from the cached pixels on: sampling, augmentation, targets, mixing, average of weights."""
    step: float
    """Forward, backward and optimiser on a batch that is ready."""
    plain: float
    loop_to_step: float
    loop_to_plain: float


def bench_training(recipe: Recipe, data: Path, cache: Path, seconds: float, rounds: int) -> TrainingSpeed:
    """Time ``recipe`` for about ``seconds`` in ``rounds``; random weights, nothing is kept but the pixel cache.

    ``RecipeError`` for recipes with parts, or trained on cached features, which have no loop of their own.
    """
    if recipe.parts or recipe.train.cached_views is not None:
        rule = "of one model that is trained on photos"
        raise RecipeError(must("the recipe of bench train", rule, recipe.name, "Try another, or change it with --set."))
    if recipe.train.precision == "auto":
        recipe, _ = settle_precision(recipe, len(read_labels(recipe, data).table), cache, Silent())
    block_s = max(WARM_UP_S, seconds / (3 * rounds))
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    plain = context.Process(target=serve_plain, args=(recipe, data, theirs))
    plain.start()
    theirs.close()  # else nobody would notice the end of the other process

    def ask_plain(length_s: float) -> float:
        try:
            mine.send(length_s)
            return float(mine.recv())
        except (EOFError, OSError) as error:
            raise UserError("the plain loop must answer, got the end of its process. See its message above.") from error

    try:
        loop, step = our_blocks(recipe, data, cache)
        speeds = by_turns({"loop": loop, "step": step, "plain": ask_plain}, block_s, rounds)
    finally:
        mine.close()
        plain.join(timeout=10)
        if plain.is_alive():
            plain.terminate()
    return TrainingSpeed(
        model=getattr(recipe.model.backbone, "name", recipe.model.backbone.kind),
        way=f"{recipe.train.precision}, {recipe.train.layout}, {recipe.runtime.step}",
        threads=torch.get_num_threads(),
        rounds=rounds,
        loop=statistics.median(speeds["loop"]),
        step=statistics.median(speeds["step"]),
        plain=statistics.median(speeds["plain"]),
        loop_to_step=median_ratio(speeds["loop"], speeds["step"]),
        loop_to_plain=median_ratio(speeds["loop"], speeds["plain"]),
    )


def by_turns(blocks: dict[str, Block], block_s: float, rounds: int) -> dict[str, list[float]]:
    """The speeds of all blocks, one of each a round; a short one of each first warms up."""
    for block in blocks.values():
        block(WARM_UP_S)
    speeds: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(rounds):
        for name, block in blocks.items():
            speeds[name].append(block(block_s))
    return speeds


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(one / two for one, two in zip(above, below, strict=True))


def timed(step: Callable[[], int]) -> Block:
    """``step`` (→ photos) again and again until the time is over."""

    def block(length_s: float) -> float:
        started, photos = time.perf_counter(), 0
        while (now := time.perf_counter() - started) < length_s or not photos:
            photos += step()
        return photos / (now if now >= length_s else time.perf_counter() - started)

    return block


# --- ours ----------------------------------------------------------------------------------------------------------


class _BlockOverError(Exception):
    """The time of a block is over."""


class _Clock(Silent):
    """Counts photos and ends the block after the step in which its time runs out."""

    def __init__(self) -> None:
        self.photos, self.until = 0, 0.0

    def on_step(self, report: StepReport) -> None:
        self.photos += report.n_photos
        if time.perf_counter() >= self.until:
            raise _BlockOverError


def our_blocks(recipe: Recipe, data: Path, cache: Path) -> tuple[Block, Block]:
    """(whole loop, bare step) of ``recipe``; they share a model."""
    keep_freed_memory()
    clock = _Clock()
    trainer = _trainer(recipe, data, cache, clock)

    def loop(length_s: float) -> float:
        clock.photos, started = 0, time.perf_counter()
        clock.until = started + length_s
        try:
            with stop_request() as request:
                while True:
                    trainer.train_epoch(request)
                    trainer.progress.position = 0
        except _BlockOverError:
            return clock.photos / (time.perf_counter() - started)

    return loop, timed(_bare_step(trainer))


def _trainer(recipe: Recipe, data: Path, cache: Path, clock: _Clock) -> Trainer:
    runtime = recipe.runtime.model_copy(update={"checkpoint_every_s": _NEVER_S})
    recipe = recipe.model_copy(update={"runtime": runtime})
    spec = input_spec(recipe)
    photos = read_photos(recipe, read_labels(recipe, data), spec, cache, clock).labelled
    fit = bind_fit(recipe, photos, None, 0, spec)
    torch.manual_seed(0)
    trainer = Trainer(fit, build_model(recipe.model, recipe.task.sizes, load_weights=False), Path(), clock)
    trainer.progress.epoch = recipe.train.epochs - 1  # as in the last epoch, when most of the model learns
    return trainer


def _bare_step(trainer: Trainer) -> Callable[[], int]:
    fit = trainer.fit
    batch = fit.source.make(np.arange(fit.config.batch_size) % len(fit.source.table), 0, 0, fit.device)
    given = laid_out(fit.inference.of_batch(batch.images_NCHW), fit.config.layout)

    def step() -> int:
        with autocast(fit.device, fit.config.precision):
            output = trainer.answer(given)
        trainer.objective(output.logits_NC.float(), batch.target_NC, None).backward()  # type: ignore[no-untyped-call]
        trainer.optimizer.step()
        trainer.optimizer.zero_grad(set_to_none=True)
        return len(given)

    return step


# --- the loop that one would write first ---------------------------------------------------------------------------


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


def serve_plain(recipe: Recipe, data: Path, ask: Connection) -> None:
    """In a process of its own: for each number of seconds that comes in, the photos a second of the plain loop."""
    block = timed(plain_step(recipe, data))
    try:
        while True:
            ask.send(block(ask.recv()))
    except (EOFError, BrokenPipeError):
        return


def plain_step(recipe: Recipe, data: Path) -> Callable[[], int]:
    """A step of the plain loop, the reading of its batch included."""
    manifest = read_labels(recipe, data)
    files = _Files(manifest.root, manifest.table.photo_N, manifest.table.train_class_N, recipe)
    loader = DataLoader(files, recipe.train.batch_size, shuffle=True, num_workers=recipe.runtime.workers)
    model = build_model(recipe.model, recipe.task.sizes, load_weights=False)
    optimizer = torch.optim.AdamW(model.parameters())

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from loader

    waiting = batches()

    def step() -> int:
        images, target = next(waiting)
        loss = torch.nn.functional.cross_entropy(model(images).logits_NC, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return len(images)

    return step
