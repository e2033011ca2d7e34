"""How long a training will take on this machine, by what trainings like it took before.

The pace of every kind of training lies beside the timings of ``choose_precision``, in the cache: it may be deleted at
any time, and nothing but a sentence depends on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from maskwise.errors import StoreError, counted
from maskwise.files import parse_json, remove_leftovers, write_atomically
from maskwise.fitting.cached_features import COMPUTING, missing_views
from maskwise.fitting.choose_precision import TIMINGS_FOLDER, machine_key
from maskwise.fitting.fold_job import FoldJob
from maskwise.listeners import EpochReport, Listener, Several, Silent, StepReport
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import models_of, single_recipes
from maskwise.text_table import about

EPOCH, FEATURES = "epoch", "features"
"""What has a pace: an epoch with its scoring, in seconds per labeled photo of the run; and computing features, in
seconds per photo and view."""


def plan_line(recipe: Recipe, n_photos: int, cache: Path) -> str:
    """``8,827 photos, 3 epochs, about 6 min``; without the time where nothing like it was trained here before."""
    epochs = sorted({single.train.epochs for _, single, _ in single_recipes(recipe)})
    words = counted(epochs[-1], "epoch") if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]} epochs"
    trainings = len(models_of(recipe))
    if trainings > 1:
        words = f"{trainings} models of {words}"
    return f"{n_photos:,} photos, {words}{_about(expected_seconds([recipe], n_photos, cache))}"


def series_line(recipes: Sequence[Recipe], n_finished: int, n_photos: int, cache: Path) -> str:
    """``12 runs of 8,827 photos, about 24 min``, and how many more of a series are finished."""
    there = f" ({n_finished} more are finished)" if n_finished else ""
    return f"{len(recipes)} runs of {n_photos:,} photos{there}{_about(expected_seconds(recipes, n_photos, cache))}"


def expected_seconds(recipes: Sequence[Recipe], n_photos: int, cache: Path) -> float | None:
    """Of the trainings of ``recipes`` one after the other, on a set of ``n_photos``; None where nothing is known.

    Recipes of a kind that was never timed here count as the mean of the others. What they share of features is
    computed once.
    """
    alike: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        alike.setdefault(repr(list(_kinds(recipe))), []).append(recipe)
    seconds, n_known = 0.0, 0
    pace_of_view: dict[str, float | None] = {}
    for of_kind in alike.values():
        paces = [(single, _read(cache, single)) for _, single, _ in single_recipes(of_kind[0])]
        for single, pace in paces:
            if single.train.cached_views is not None:
                pace_of_view |= dict.fromkeys(missing_views(single, n_photos, cache), pace.get(FEATURES))
        if all(EPOCH in pace for _, pace in paces):
            n_known += len(of_kind)
            of_run = sum(_passes(of_kind[0], single) * pace[EPOCH] for single, pace in paces)
            seconds += len(of_kind) * of_run * n_photos
    features = [pace for pace in pace_of_view.values() if pace is not None]
    if not n_known or len(features) < len(pace_of_view):
        return None
    return seconds / n_known * len(recipes) + sum(features) * n_photos


def with_pace(job: FoldJob) -> Listener:
    """The listener of ``job``, and one that keeps the pace of its training."""
    if job.photos.keys is None:
        return job.listener
    return Several([job.listener, _Pace(job.recipe, len(job.photos.table), job.photos.keys.cache)])


class _Pace(Silent):
    """Times features and epochs, and keeps what they took: of the first epoch at once, then of the last."""

    def __init__(self, recipe: Recipe, n_photos: int, cache: Path) -> None:
        self.recipe, self.n_photos, self.cache = recipe, n_photos, cache
        self.computing = self.left = 0
        self.began: float | None = None
        with contextlib.suppress(OSError):  # of a process that was killed while it wrote, as this one may write nothing
            remove_leftovers(_place(cache, _key(recipe)))

    def on_stage(self, name: str, total: int) -> None:
        self.computing = self.left = total if name.startswith(COMPUTING) else 0
        self.began = time.monotonic() if self.computing else None

    def on_advance(self, done: int) -> None:
        self.left -= done
        if self.computing and self.left == 0:
            self._keep(FEATURES, self.computing)

    def on_step(self, report: StepReport) -> None:
        if report.position == 1:  # an epoch that is gone on with is not timed
            self.began = time.monotonic() - report.seconds

    def on_epoch(self, report: EpochReport) -> None:
        if report.epoch in (0, report.epochs - 1):
            self._keep(EPOCH, self.n_photos)

    def _keep(self, name: str, n_photos: int) -> None:
        if self.began is None:
            return
        pace = {**_read(self.cache, self.recipe), name: (time.monotonic() - self.began) / n_photos}
        self.began, self.computing = None, 0
        with contextlib.suppress(OSError, StoreError):  # of a cache that cannot be written
            write_atomically(_place(self.cache, _key(self.recipe)), json.dumps(pace))


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f", {about(seconds)}"


def _passes(recipe: Recipe, single: Recipe) -> int:
    """How often ``single``, a model of ``recipe``, goes through the photos in all folds and rounds."""
    rounds = 1 + (recipe.self_training.rounds if recipe.self_training else 0)
    folds = len({fold for fold, _ in models_of(recipe)})
    return single.train.epochs * folds * rounds


def _kinds(recipe: Recipe) -> Iterator[tuple[str, int]]:
    """Equal for recipes whose trainings take equally long."""
    for _, single, _ in single_recipes(recipe):
        yield _key(single), _passes(recipe, single)


def _key(recipe: Recipe, precision: str = "") -> str:
    """Equal where trainings of one model have one pace, on this machine."""
    decisive = [
        machine_key(recipe),
        precision or recipe.train.precision,
        recipe.train.cached_views,
        recipe.train.ema_decay,
        recipe.runtime.workers,
        recipe.sampling.model_dump(mode="json"),
        recipe.data.model_dump(mode="json"),
    ]
    return hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=8).hexdigest()


def _place(cache: Path, key: str) -> Path:
    return cache / TIMINGS_FOLDER / f"pace-{key}.json"


def _read(cache: Path, recipe: Recipe) -> dict[str, float]:
    """What is known; nothing where the file is not whole. Of auto, which is not settled yet, what it chose before."""
    formats = ("bf16", "fp32") if recipe.train.precision == "auto" else (recipe.train.precision,)
    for precision in formats:
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            found = parse_json(_place(cache, _key(recipe, precision)).read_text())
            return {str(name): float(value) for name, value in found.items()}
    return {}
