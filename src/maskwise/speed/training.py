"""How fast a recipe trains here: its whole loop, its bare step, and the loop that one would write first.

Each is timed in blocks, by turns, so that whatever else the machine does meets all three.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from maskwise.errors import RecipeError, must
from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.choose_precision import settle_precision
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Silent, StepReport
from maskwise.memory import keep_freed_memory
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.speed.plain_training import plain_loop
from maskwise.speed.timed_blocks import WARM_UP_S, TimedBlock, block_of, by_turns, median_ratio
from maskwise.training.devices import autocast, laid_out, wait_for
from maskwise.training.loop import Trainer
from maskwise.training.stopping import stop_request

_NEVER_S = 1e9
PROFILED_OPERATIONS = 15


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
    """Forward, backward and optimizer on a batch that is ready."""
    plain: float
    loop_to_step: float
    loop_to_plain: float


def bench_training(recipe: Recipe, data: Path, cache: Path, seconds: float, rounds: int) -> TrainingSpeed:
    """Time ``recipe`` for about ``seconds`` in ``rounds``; random weights, nothing is kept but the pixel cache.

    ``RecipeError`` for recipes with parts, or trained on cached features, which have no loop of their own.
    """
    recipe = settled(recipe, data, cache)
    block_s = max(WARM_UP_S, seconds / (3 * rounds))
    loop, step = our_blocks(recipe, data, cache)
    with plain_loop(recipe, data) as plain:
        speeds = by_turns({"loop": loop, "step": step, "plain": plain}, block_s, rounds)
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


def profile_training(recipe: Recipe, data: Path, cache: Path, seconds: float) -> str:
    """A table of the operations of ``recipe``'s whole loop that take most time by themselves, over ``seconds``.

    Of the GPU's time where it trains there, else of the processor's. ``RecipeError`` as above.
    """
    recipe = settled(recipe, data, cache)
    clock = _Clock()
    trainer = _trainer(recipe, data, cache, clock)
    loop = _loop_block(trainer, clock)
    loop(WARM_UP_S)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it says what it misses on a machine without a GPU
    on_gpu = trainer.fit.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiled:
        loop(seconds)
    order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    table: str = profiled.key_averages().table(order, row_limit=PROFILED_OPERATIONS, max_name_column_width=60)
    return table


def settled(recipe: Recipe, data: Path, cache: Path) -> Recipe:
    """``recipe`` with what ``auto`` chose. ``RecipeError`` where it has no loop of its own."""
    if recipe.parts or recipe.train.cached_views is not None:
        rule = "of one model that is trained on photos"
        raise RecipeError(must("the recipe of bench train", rule, recipe.name, "Try another, or change it with --set."))
    return settle_precision(recipe, len(read_labels(recipe, data).table), cache, Silent())[0]


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


def our_blocks(recipe: Recipe, data: Path, cache: Path) -> tuple[TimedBlock, TimedBlock]:
    """(whole loop, bare step) of ``recipe``; they share a model."""
    clock = _Clock()
    trainer = _trainer(recipe, data, cache, clock)
    return _loop_block(trainer, clock), block_of(_bare_step(trainer), trainer.fit.device)


def _loop_block(trainer: Trainer, clock: _Clock) -> TimedBlock:
    def loop(length_s: float) -> float:
        clock.photos, started = 0, time.perf_counter()
        clock.until = started + length_s
        try:
            with stop_request() as request:
                while True:
                    trainer.train_epoch(request)
                    trainer.progress.position = 0
        except _BlockOverError:
            wait_for(trainer.fit.device)
            return clock.photos / (time.perf_counter() - started)

    return loop


def _trainer(recipe: Recipe, data: Path, cache: Path, clock: _Clock) -> Trainer:
    keep_freed_memory()
    runtime = recipe.runtime.model_copy(update={"checkpoint_every_s": _NEVER_S})
    recipe = recipe.model_copy(update={"runtime": runtime})
    fit = bind_fit(recipe, read_photos(recipe, read_labels(recipe, data), cache, clock).labeled)
    torch.manual_seed(0)
    trainer = Trainer(fit, build_model(recipe.model, recipe.task, load_weights=False), Path(), clock)
    trainer.progress.epoch = recipe.train.epochs - 1  # as in the last epoch, when most of the model learns
    return trainer


def _bare_step(trainer: Trainer) -> Callable[[], int]:
    fit = trainer.fit
    batch = fit.source.make(np.arange(fit.config.batch_size) % len(fit.source.table), 0, 0, fit.device)
    given = laid_out(fit.inference.of_batch(batch.images_NCHW), fit.config.layout)

    def step() -> int:
        with autocast(fit.device, fit.config.precision):
            output = trainer.stepper.forward(given)
        trainer.stepper.loss_of(output, batch).backward()  # type: ignore[no-untyped-call]
        trainer.parts.optimizer.step()
        trainer.parts.optimizer.zero_grad(set_to_none=True)
        return len(given)

    return step
