"""What a second view of each photo gains a finished run on its held-out people, beside the time that it costs.

The run's own predictions are those of its own views; for the others every fold's models predict their held-out people
again, from cached features and maps where they were trained on such.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from maskwise.errors import DataError, StoreError, must
from maskwise.evaluation.comparison import Comparison, compare
from maskwise.fitting.cached_features import predict_from_features
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.parts import Factor, PartPhotos, fold_jobs, join_folds, multiplied_parts, read_parts
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Listener
from maskwise.memory import keep_freed_memory
from maskwise.models.build import MaskwiseModel
from maskwise.records import Predictions
from maskwise.score import Score
from maskwise.seeds import rng_for
from maskwise.speed.rates import Rate, median_rate, timed
from maskwise.store.kept_files import read_held_out, read_split
from maskwise.store.runs import read_finished, refuse_unscored
from maskwise.training.inference import Inference, View, predict_table
from maskwise.workflows.join_runs import read_joined
from maskwise.workflows.run_models import MemberModels, RunModels, load_run

VIEWS: tuple[View, ...] = ("as_is", "mirrored")
_TIMED_PHOTOS = 64


@dataclass(frozen=True)
class SecondView:
    """Both views against the first alone."""

    comparison: Comparison
    one: Rate
    both: Rate
    in_turn: Rate | None = None
    """Where the run shares its views out among its folds: as it predicts new photos."""

    @property
    def seconds(self) -> float:
        """Of the processor: what the second view costs for a thousand photos."""
        return self.both.processor_ms - self.one.processor_ms

    def for_a_second(self, gain: Score) -> Score:
        """``gain`` for each of these seconds; NaN where the view took no time that could be measured."""
        seconds = self.seconds if self.seconds > 0 else math.nan
        return Score(gain.value / seconds, gain.low / seconds, gain.high / seconds)


def measure_second_view(folder: Path, data: Path, cache: Path, rounds: int, listener: Listener) -> SecondView:
    """Gain and cost of the mirrored view for the run in ``folder``, which was trained on ``data``.

    ``StoreError`` for an ensemble and for a run that held nobody out; ``DataError`` where ``data`` is not as it was.
    """
    record = read_finished(folder)
    refuse_unscored([record])
    if read_joined(folder) is not None:
        remedy = "Measure its members one by one."
        raise StoreError(must(f"run {record.run_id} ({record.name})", "a trained run", "an ensemble", remedy))
    of_run, task = read_held_out(folder)
    keep_freed_memory()
    models = load_run(folder)
    (member,) = models.members
    manifest = read_labels(member.recipe, data)
    photos = read_photos(member.recipe, manifest, cache, listener)
    if photos.about.decisive != record.data.decisive:
        raise DataError(must(f"--data {data}", "as the run was trained on it", "other photos", "Name that data set."))
    parts = read_parts(member.recipe, photos.labeled, manifest.root, cache, listener)
    fold_of = read_split(folder)
    fold_N = np.array([fold_of[str(person)] for person in manifest.table.person_N])

    def predicted_in(views: tuple[View, ...]) -> Predictions:
        if set(views) == set(member.recipe.predict.views):
            return of_run
        jobs_of_fold = [fold_jobs(parts, fold_N == fold, fold, folder, listener) for fold in range(record.folds)]
        return join_folds([_predict_fold(member, jobs, views) for jobs in jobs_of_fold])

    compared = compare(predicted_in(VIEWS[:1]), predicted_in(VIEWS), task, rng_for(0, "intervals"))
    return SecondView(compared, *_rates(models, parts, rounds))


def _predict_fold(member: MemberModels, jobs: Sequence[FoldJob], views: tuple[View, ...]) -> Predictions:
    """The held-out people of a fold as its models see them in ``views``."""
    factors = [
        Factor(job.recipe.task, _held_out(job, part.models[job.fold], dataclasses.replace(part.how, views=views)))
        for job, part in zip(jobs, member.parts, strict=True)
    ]
    return multiplied_parts(member.recipe.task, factors)


def _held_out(job: FoldJob, model: MaskwiseModel, how: Inference) -> Predictions:
    """The held-out people of a fold as one model sees them."""
    photos = job.photos.take(job.held_out_N)
    if job.recipe.train.cached_views is None:
        found = predict_table(model, photos.read, len(photos.table), how)
    else:
        found = predict_from_features(job, model, photos, how)
    table, seen_N = photos.table, np.full(len(photos.table), "held_out", dtype=object)
    ages_N = found.age_years_N
    return Predictions(table.photo_N, table.person_N, table.class_N, found.probs_NC, seen_N, age_years_N=ages_N)


def _rates(models: RunModels, parts: Sequence[PartPhotos], rounds: int) -> list[Rate]:
    """Pixels → probabilities in the first view, in both, and shared out where the run does so, by turns: all that
    ``predict`` does but decoding."""
    places = np.arange(min(_TIMED_PHOTOS, len(parts[0].photos.table)))
    specs = [of_part.how.spec for of_part in models.members[0].parts]
    pixels_of = [parts[specs.index(spec)].photos.read(places) for spec in models.specs]
    ways = [models.in_views(VIEWS[:1]), models.in_views(VIEWS)]
    if any(part.in_turn for part in models.members[0].parts):
        ways.append(models)
    works = [partial(way.predict, pixels_of) for way in ways]
    for work in works:
        work()
    rounds_of = [[timed(work, len(places)) for work in works] for _ in range(rounds)]
    return [median_rate(rates) for rates in zip(*rounds_of, strict=True)]
