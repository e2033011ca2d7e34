"""``train.precision: auto``: which number format, memory layout and step is fastest here, found by trying.

A step of the recipe's own model, batch and size is timed on random pixels, in each way; nothing is loaded, and written
are the times alone, which the cache keeps for the next run on such a machine. What was chosen takes auto's place in the
recipe, before anything else is done with it: so the run's id, its folder and every later reader know what was used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from maskwise.files import parse_json, write_atomically
from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.try_batch_sizes import random_photos
from maskwise.listeners import Listener, Silent
from maskwise.memory import keep_freed_memory
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.recipe.train_config import Layout, StepKind, TrainConfig
from maskwise.training.devices import choose_device, wait_for
from maskwise.training.moving_parts import MovingParts
from maskwise.training.step import Stepper

TIMINGS_FOLDER = "speed"
WARM_UP, TIMED = 2, 4
WORTH = 0.95
"""A way that rounds more must take less than this share of the time of the one before it."""
HOPED_GAIN, FEARED_COMPILING_S = 0.15, 90.0
"""Compiling is tried where this share of the training is more than so many seconds: measured on one CPU, see LOG.md."""


@dataclass(frozen=True)
class Way:
    """One way to take a step."""

    precision: Literal["fp32", "bf16"]
    layout: Layout
    step: StepKind

    def __str__(self) -> str:
        return f"{self.precision}, {self.layout}, {self.step}"

    def put_into(self, recipe: Recipe) -> Recipe:
        """The recipe that takes its steps in this way."""
        train = recipe.train.model_copy(update={"precision": self.precision, "layout": self.layout})
        runtime = recipe.runtime.model_copy(update={"step": self.step})
        return recipe.model_copy(update={"train": train, "runtime": runtime})


@dataclass(frozen=True)
class Timing:
    """What a way costs here."""

    way: Way
    step_s: float
    """Median of a step."""
    compiling_s: float = 0.0
    """What the first steps took besides."""

    def training_s(self, n_steps: int) -> float:
        """What so many steps would take."""
        return self.compiling_s + n_steps * self.step_s


EAGER = (
    Way("fp32", "channels_last", "eager"),
    Way("fp32", "contiguous", "eager"),
    Way("bf16", "channels_last", "eager"),
    Way("bf16", "contiguous", "eager"),
)


@dataclass(frozen=True)
class PrecisionChoice:
    """What auto chose, and why."""

    way: Way
    timings: tuple[Timing, ...]
    n_steps: int

    def fields(self) -> dict[str, Any]:
        """For the run's folder."""
        fields = {"chosen": dataclasses.asdict(self.way), "planned_steps": self.n_steps}
        return {**fields, "timings": [dataclasses.asdict(each) for each in self.timings]}

    def lines(self, batch_size: int) -> list[str]:
        """A line for each way that was timed, and one for the choice."""
        lines = [
            f"precision auto: {each.way}: {batch_size / each.step_s:.0f} photos/s"
            + (f" after {each.compiling_s:.0f} s of compiling" if each.compiling_s else "")
            for each in self.timings
        ]
        return [*lines, f"precision auto chose {self.way}"]


def is_settled(recipe: Recipe) -> bool:
    """Whether no model of ``recipe`` has auto."""
    return all(single.train.precision != "auto" for _, single, _ in single_recipes(recipe))


def settle_precision(
    recipe: Recipe, n_photos: int, cache: Path, listener: Listener
) -> tuple[Recipe, dict[str, PrecisionChoice]]:
    """``recipe`` with the fastest way in place of every auto, and how it was chosen for each part that had it.

    Parts share ``runtime.step``, so none of them is tried compiled.
    """
    choices = {}
    for name, single, _ in single_recipes(recipe):
        if single.train.precision != "auto":
            continue
        n_steps = single.train.epochs * -(-n_photos // single.train.batch_size)
        choices[name] = choose_way(single, n_steps, cache, compiling=not recipe.parts)
        for line in choices[name].lines(single.train.batch_size):
            listener.on_note(f"{name}: {line}" if name else line)
    return _put_into_parts(recipe, choices) if recipe.parts else _put_into_whole(recipe, choices), choices


def choices_json(choices: dict[str, PrecisionChoice]) -> str:
    """For the run's folder: the choice, or one for each part by its name."""
    fields = {name: choice.fields() for name, choice in choices.items()}
    return json.dumps(fields.get("", fields), indent=1) + "\n"


def _put_into_whole(recipe: Recipe, choices: dict[str, PrecisionChoice]) -> Recipe:
    return choices[""].way.put_into(recipe) if choices else recipe


def _put_into_parts(recipe: Recipe, choices: dict[str, PrecisionChoice]) -> Recipe:
    """Each part that was chosen for has a training of its own; the recipe's goes where it would have no effect."""
    parts = [
        part.model_copy(update={"train": choices[name].way.put_into(single).train}) if name in choices else part
        for part, (name, single, _) in zip(recipe.parts, single_recipes(recipe), strict=True)
    ]
    idle = bool(choices) and all(part.train is not None for part in parts)
    train = TrainConfig() if idle else recipe.train
    return recipe.model_copy(update={"parts": tuple(parts), "train": train})


def choose_way(recipe: Recipe, n_steps: int, cache: Path, *, compiling: bool = True) -> PrecisionChoice:
    """The way in which ``n_steps`` of the recipe take least time; timed now where the cache does not know it yet."""
    place = cache / TIMINGS_FOLDER / f"{machine_key(recipe)}.json"
    known = _read(place)
    timings = [known.get(way) or time_way(recipe, way) for way in EAGER]
    best = fastest(timings, n_steps)
    if compiling and n_steps * best.step_s * HOPED_GAIN > FEARED_COMPILING_S:
        way = dataclasses.replace(best.way, step="compiled")
        timings.append(known.get(way) or time_way(recipe, way))
    _write(place, {**known, **{each.way: each for each in timings}})
    return PrecisionChoice(fastest(timings, n_steps).way, tuple(timings), n_steps)


def fastest(timings: Sequence[Timing], n_steps: int) -> Timing:
    """The first of ``timings``, or one that is clearly faster over ``n_steps``."""
    best = timings[0]
    for each in timings[1:]:
        if each.training_s(n_steps) < WORTH * best.training_s(n_steps):
            best = each
    return best


def time_way(recipe: Recipe, way: Way) -> Timing:
    """Time steps of ``recipe`` taken in ``way``. Batches of two sizes, as a training has."""
    keep_freed_memory()
    tried = way.put_into(recipe)
    n_photos = max(tried.train.batch_size, tried.task.n_classes)
    fit = bind_fit(tried, random_photos(tried, n_photos))
    model = build_model(tried.model, tried.task, load_weights=False)
    stepper = Stepper(fit, MovingParts(fit, model), Silent())
    size = tried.train.batch_size
    batches = [fit.source.make(np.arange(max(n, 2)), 0, 0, fit.device) for n in (size, size - 1)]
    seconds = []
    for number in range(WARM_UP + TIMED):
        started = time.perf_counter()
        stepper.try_step(batches[number % 2])
        wait_for(fit.device)
        seconds.append(time.perf_counter() - started)
    step_s = statistics.median(seconds[WARM_UP:])
    compiling_s = max(0.0, sum(seconds[:WARM_UP]) - WARM_UP * step_s) if way.step == "compiled" else 0.0
    return Timing(way, step_s, compiling_s)


def machine_key(recipe: Recipe) -> str:
    """Equal where the times are: model, size, batch, what learns, machine, threads and torch."""
    device = choose_device(recipe.runtime.device)
    decisive = {
        "model": recipe.model.model_dump(mode="json", exclude={"weights"}),
        "size": (recipe.input.height_px, recipe.input.width_px),
        "batch": recipe.train.batch_size,
        "frozen": recipe.train.frozen_blocks or recipe.train.always_frozen,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name(),
    }
    return hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=8).hexdigest()


def cpu_name() -> str:
    """The processor's model as Linux names it, elsewhere as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def _read(place: Path) -> dict[Way, Timing]:
    """What is known; nothing where the file is not whole: it may be deleted at any time."""
    try:
        rows: list[dict[str, Any]] = parse_json(place.read_text())
        timings = [Timing(Way(**row["way"]), float(row["step_s"]), float(row["compiling_s"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {each.way: each for each in timings}


def _write(place: Path, known: dict[Way, Timing]) -> None:
    write_atomically(place, json.dumps([dataclasses.asdict(each) for each in known.values()], indent=1))
