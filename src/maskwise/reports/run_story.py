"""Everything that a report says of a finished run, gathered from its folder and, where it is at hand, its data.

No torch: what runs the models themselves is in ``explain_photos``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwise.data.manifest import read_train
from maskwise.errors import DataError, counted, must
from maskwise.evaluation.groups import GroupScores, bands, score_groups
from maskwise.evaluation.reliability import Calibration, calibration
from maskwise.evaluation.scores import Evaluation
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.records import Ints, PhotoTable, Predictions
from maskwise.reports.photo_traits import PhotoTraits, look_at_traits
from maskwise.reports.training_curves import TrainingCurve, read_curves
from maskwise.seeds import rng_for
from maskwise.store.kept_files import check_kept, read_evaluation, read_held_out
from maskwise.store.layout import ENSEMBLE, RECIPE
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun, correction_lists, read_finished
from maskwise.workflows.join_runs import Joined, member_runs, read_joined

_BANDS = 5
_FEW_PEOPLE, _YEARS_TOGETHER = 100, 5


@dataclass(frozen=True)
class Grouping:
    """Photos by one trait."""

    title: str
    groups: tuple[GroupScores, ...]
    note: str = ""


@dataclass(frozen=True)
class DataAtHand:
    """The data set that the run was trained on, as it lies on the disk now."""

    root: Path
    table: PhotoTable
    """All labeled photos."""
    traits: PhotoTraits
    """Of the held-out photos, in the order of the predictions."""
    cache: Path


@dataclass(frozen=True)
class RunStory:
    """What a report shows."""

    folder: Path
    record: RunRecord
    task: Task
    joined: Joined | None
    """Of an ensemble; None for a run."""
    members: tuple[StoredRun, ...]
    """The trained runs: the run itself, or an ensemble's members as far as they are there."""
    predictions: Predictions
    """Held out."""
    evaluation: Evaluation
    curves: tuple[TrainingCurve, ...]
    calibration: Calibration
    groupings: tuple[Grouping, ...]
    by_age_years: tuple[GroupScores, ...]
    """One group for each age in years, or five of them; none where the data are not at hand."""
    data: DataAtHand | None
    settings: tuple[tuple[str, str], ...]
    """(file, its text): recipes, and how an ensemble joins."""
    missing: tuple[str, ...]
    """What could not be had, a sentence each."""


def tell_run(folder: Path, data: Path | None, cache: Path, listener: Listener) -> RunStory:
    """The story of the finished run or ensemble in ``folder``; with ``data``, its photos are looked at, too.

    ``StoreError`` for a run that is not finished or held nobody out; ``DataError`` where ``data`` is another data set.
    """
    record, evaluation = read_finished(folder), read_evaluation(folder)
    predictions, task = read_held_out(folder)
    predictions.require_held_out("a report")
    joined = read_joined(folder)
    members, missing = _members(folder, record, joined)
    at_hand = None if data is None else _open_data(data, task, members, predictions, cache, listener)
    listener.on_stage("counting groups", 1)
    groupings = _groupings(predictions, task, at_hand)
    return RunStory(
        folder=folder,
        record=record,
        task=task,
        joined=joined,
        members=members,
        predictions=predictions,
        evaluation=evaluation,
        curves=read_curves(members),
        calibration=calibration(predictions, task, rng_for(0, "calibration")),
        groupings=groupings,
        by_age_years=() if at_hand is None else _by_age(predictions, task, at_hand),
        data=at_hand,
        settings=_settings(folder, members, joined),
        missing=(*missing, *_absent(data, at_hand)),
    )


def _members(folder: Path, record: RunRecord, joined: Joined | None) -> tuple[tuple[StoredRun, ...], list[str]]:
    """The trained runs, and what is missing of them."""
    if joined is None:
        return (StoredRun(folder, record),), []
    beside = folder.resolve().parent
    gone = [member for member in joined.members if not (beside / member).is_dir()]
    if gone:
        return (), [f"Members of the ensemble are gone ({', '.join(gone)}): no curves, no recipes, no maps."]
    return tuple(member_runs(folder, joined)), []


def _open_data(
    root: Path,
    task: Task,
    members: Sequence[StoredRun],
    predictions: Predictions,
    cache: Path,
    listener: Listener,
) -> DataAtHand:
    table = read_train(root, task, correction_lists(members)).table
    absent = sorted({*map(str, predictions.photo_N)} - {*map(str, table.photo_N)})
    if absent:
        got = f"one without {len(absent):,} of its photos, first {absent[0]}"
        raise DataError(must(f"--data {root}", "the data set that the run was trained on", got, "Name that one."))
    traits = look_at_traits(root, predictions.photo_N, cache, listener)
    return DataAtHand(root, table, traits, cache)


def _groupings(predictions: Predictions, task: Task, data: DataAtHand | None) -> tuple[Grouping, ...]:
    codes = task.codes(predictions.class_N)
    found = [
        Grouping(f"By {name}", _scored(predictions, task, codes[name], task.classes(name), name))
        for name in task.attributes
    ]
    if data is not None:
        found += _groupings_of_photos(predictions, task, data)
    return tuple(grouping for grouping in found if grouping.groups)


def _groupings_of_photos(predictions: Predictions, task: Task, data: DataAtHand) -> list[Grouping]:
    """What the labels do not say: origin, light, size."""
    origin_N = data.table.at(predictions.photo_N).origin_N.astype(str)
    names = sorted({*origin_N.tolist()} - {""})
    code_N = np.array([names.index(origin) if origin else -1 for origin in origin_N.tolist()], dtype=np.int64)
    remark = "As the data set says. No model learns it." if names else ""
    found = [Grouping("By origin", _scored(predictions, task, code_N, names, "origin"), remark)]
    light_N, light_names = bands(data.traits.brightness_N, _BANDS, 2)
    light = "Mean of all pixels, 0 (black) to 1 (white); a fifth of the photos in each band."
    found.append(Grouping("By brightness", _scored(predictions, task, light_N, light_names, "brightness"), light))
    size_N, size_names = bands(data.traits.face_height_px_N, _BANDS, 0)
    looked = f"{int(np.sum(~np.isnan(data.traits.face_height_px_N))):,} found in {data.traits.looked_at:,} photos"
    size = f"Height of the face in the photo's own pixels; {looked} that were looked at, of {len(predictions):,}."
    found.append(Grouping("By size of the face", _scored(predictions, task, size_N, size_names, "size"), size))
    return found


def _by_age(predictions: Predictions, task: Task, data: DataAtHand) -> tuple[GroupScores, ...]:
    """By year; of fewer than a hundred people by five years, as a year would be a person or two."""
    age_N = data.table.at(predictions.photo_N).age_years_N
    few = len(np.unique(predictions.person_N.astype(str))) < _FEW_PEOPLE
    step = _YEARS_TOGETHER if few else 1
    starts = range(0, int(age_N.max(initial=0)) + 1, step)
    names = [f"{start} to {start + step - 1}" if few else str(start) for start in starts]
    return _scored(predictions, task, np.where(age_N >= 0, age_N // step, -1), names, "ages")


def _scored(
    predictions: Predictions, task: Task, code_N: Ints, names: Sequence[str], purpose: str
) -> tuple[GroupScores, ...]:
    return score_groups(predictions, task, code_N, names, rng_for(0, f"groups by {purpose}"))


def _settings(folder: Path, members: Sequence[StoredRun], joined: Joined | None) -> tuple[tuple[str, str], ...]:
    paths = [(f"{record.name}: {RECIPE}", run / RECIPE) for run, record in members]
    for run, _ in members:
        check_kept(run, run / RECIPE)
    if joined is not None:
        paths.insert(0, (ENSEMBLE, folder / ENSEMBLE))  # checked when it was read
    return tuple((name, path.read_text(encoding="utf-8")) for name, path in paths)


def _absent(data: Path | None, at_hand: DataAtHand | None) -> list[str]:
    if data is None or at_hand is None:
        return [
            "The data set was not at hand, so there are no photos, no scores by age in years, by origin, by brightness "
            "and by size of the face. Make the report again with --data and the folder of the data set for these."
        ]
    unreadable = at_hand.traits.unreadable
    return [f"{counted(len(unreadable), 'photo')} left out, the first: {unreadable[0]}"] if unreadable else []
