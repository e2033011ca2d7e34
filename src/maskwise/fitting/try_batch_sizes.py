"""The largest batch that a recipe's training can take on this machine, found with whole steps on random pixels."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from maskwise.errors import RecipeError, must
from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.photo_set import PhotoSet
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.memory import keep_freed_memory
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import Image, Ints, PhotoTable
from maskwise.training.batch_size import SMALLEST, find_batch_size, is_out_of_memory
from maskwise.training.devices import wait_for
from maskwise.training.moving_parts import MovingParts
from maskwise.training.step import Stepper

FIRST_SIZE = 16
_DIFFERENT_PHOTOS = 64
_SHARE_OF_FREE_MEMORY = 0.9
_ONEDNN_FAILED = "could not create a primitive"
"""How the CPU's convolutions say that memory is short, and other things, which would not begin with larger batches."""


def try_batch_sizes(recipe: Recipe, limit: int, report: Callable[[str], None]) -> int:
    """The largest number of photos, 2 … ``limit``, of which the recipe's training can make a step.

    ``report`` gets a line for each size that was tried, with the photos per second. Steps are those of the last epoch,
    when most of the model learns; weights are random and pixels are noise, so nothing is read, loaded or written.
    ``UserError`` when not even 2 photos fit; ``RecipeError`` for a recipe with parts, whose models differ.
    """
    if recipe.parts:
        names = ", ".join(part.name for part in single_recipes(recipe))
        raise RecipeError(must("parts", "left out, as each has a size of its own", names, "Try a recipe of one model."))
    keep_freed_memory()
    fit = bind_fit(recipe, random_photos(recipe, max(limit, recipe.task.n_classes)))
    model = build_model(recipe.model, recipe.task, load_weights=False)
    stepper = Stepper(fit, MovingParts(fit, model), Silent())

    def seconds_of_step(n_photos: int) -> float:
        started = time.perf_counter()
        stepper.try_step(fit.source.make(np.arange(n_photos), 0, 0, fit.device))
        wait_for(fit.device)
        return time.perf_counter() - started

    def step(n_photos: int) -> None:
        try:
            seconds_of_step(n_photos)  # the first one of a size also sets up what the next ones use again
            report(f"{n_photos} photos: {n_photos / seconds_of_step(n_photos):.0f} photos/s")
        except (MemoryError, RuntimeError) as error:
            if not (isinstance(error, MemoryError) or is_out_of_memory(error) or _ONEDNN_FAILED in str(error)):
                raise
            report(f"{n_photos} photos: out of memory")
            raise MemoryError from error

    with bounded_memory() if fit.device.type == "cpu" else contextlib.nullcontext():
        return find_batch_size(step, max(SMALLEST, min(FIRST_SIZE, limit)), limit)


def random_photos(recipe: Recipe, n_photos: int) -> PhotoSet:
    """Noise of the recipe's input size; the joint classes take turns."""
    rng = np.random.default_rng(0)
    shape = (_DIFFERENT_PHOTOS, recipe.input.height_px, recipe.input.width_px, 3)
    pixels_KHWC = rng.integers(0, 256, shape, dtype=np.uint8)

    def read(index_M: Ints) -> Image:
        return pixels_KHWC[index_M % _DIFFERENT_PHOTOS]

    return PhotoSet(random_table(recipe.task, n_photos), read)


def random_table(task: Task, n_photos: int) -> PhotoTable:
    """N photos, a person each, of joint classes that take turns."""
    codes = task.codes(np.arange(n_photos) % task.n_classes)
    zeros_N = np.zeros(n_photos, dtype=np.int64)
    names_N = np.array([f"noise {k}" for k in range(n_photos)], dtype=object)
    youngest_years = np.array([1, *task.age_borders_years])
    table = PhotoTable(
        photo_N=names_N,
        person_N=names_N,
        mask_N=codes.get("mask", zeros_N),
        gender_N=codes.get("gender", zeros_N),
        age_years_N=youngest_years[codes.get("age", zeros_N)],
        origin_N=np.full(n_photos, "", dtype=object),
        class_N=zeros_N,
        train_class_N=zeros_N,
    )
    return task.label(table)


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let an allocation fail that the machine's free memory cannot hold.

    Linux would grant it, and end the process once the pages are touched. Where there is no /proc nothing is bounded.
    """
    status, machine = _kibibytes("/proc/self/status"), _kibibytes("/proc/meminfo")
    if "VmData" not in status or "MemAvailable" not in machine:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = int(1024 * (status["VmData"] + _SHARE_OF_FREE_MEMORY * machine["MemAvailable"]))
    known = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([bound, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _kibibytes(path: str) -> dict[str, int]:
    """The lines ``name: number kB`` of a file of /proc; empty where there is none."""
    try:
        lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    words = [line.replace(":", " ").split() for line in lines if line.endswith(" kB")]
    return {name: int(number) for name, number, _ in words}
