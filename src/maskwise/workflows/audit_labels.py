"""Look for wrong labels: held-out predictions against labels, and pictures that stand under two names. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwise.data.describe_set import near_photos
from maskwise.data.manifest import read_train
from maskwise.data.people import read_people
from maskwise.data.photo_facts import PhotoFacts, look_at_photos
from maskwise.data.shards import is_sharded
from maskwise.errors import DataError, must
from maskwise.label_audit.mean_over_runs import mean_by_photo
from maskwise.label_audit.people import Audit, audit_people
from maskwise.labels import Task
from maskwise.listeners import Listener, note_left_out
from maskwise.records import PhotoTable, Predictions, Strings
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_split
from maskwise.store.layout import ENSEMBLE
from maskwise.store.runs import StoredRun, correction_lists, read_finished
from maskwise.tables import same_name
from maskwise.workflows.join_runs import read_members


@dataclass(frozen=True)
class NearCopy:
    """Two photos of different people that are nearly the same picture."""

    one: str
    other: str
    alike: float
    """1 for equal pictures."""
    parted: bool | None
    """Whether a run had the two people in different folds; None where no split is known."""


@dataclass(frozen=True)
class AuditedSet:
    """An audit and what its report needs."""

    audit: Audit
    id_of_folder: dict[str, str]
    table: PhotoTable
    """The photos that were judged, by folder and name, with the labels of today."""
    folder_N: Strings
    predictions: Predictions
    """In the order of the table."""
    facts: PhotoFacts
    """Of all photos of the set."""
    place_of_photo: dict[str, int]
    """Where a photo stands in ``facts``."""
    near: tuple[NearCopy, ...]
    task: Task
    runs: tuple[str, ...]
    """Their names."""


def audit_labels(
    store: Path, refs: Sequence[str], root: Path, corrections: Sequence[str] | None, listener: Listener
) -> AuditedSet:
    """Judge the labels of the data set at ``root`` by the held-out predictions of finished runs.

    Labels are those of today, put right by ``corrections``; None takes the lists that the runs were trained with. So
    rows that were accepted can be checked without a new training. Each photo's probabilities are the mean over the
    runs that held it out. ``StoreError`` and ``DataError`` for runs that cannot be used together or with these photos.
    """
    if is_sharded(root):
        raise DataError(must("a data set to audit", "in folders with a train.csv", "tar shards", "Unpack it first."))
    runs = _finished_runs(store, refs)
    members, task = read_members(runs)
    predictions = mean_by_photo(members)
    manifest = read_train(root, task, correction_lists(runs) if corrections is None else corrections)
    for note in manifest.notes:
        listener.on_note(note)
    table, predictions = _labels_of_today(manifest.table, predictions, listener)
    folder_N = np.array([same_name(str(photo).split("/")[2]) for photo in table.photo_N], dtype=object)
    audit = audit_people(predictions, table, folder_N, task)
    listener.on_stage("looking at photos", len(manifest.table))
    facts = look_at_photos(root, manifest.table.photo_N, None, listener.on_advance)
    note_left_out(listener, facts.problems)
    seen = manifest.table.take(facts.index_N)
    people, _ = read_people(root)
    return AuditedSet(
        audit=audit,
        id_of_folder=dict(zip(people.folder_P, people.id_P, strict=True)),
        table=table,
        folder_N=folder_N,
        predictions=predictions,
        facts=facts,
        place_of_photo={str(photo): place for place, photo in enumerate(seen.photo_N)},
        near=_near_copies(seen, facts, runs),
        task=task,
        runs=tuple(run.record.name for run in runs),
    )


def _finished_runs(store: Path, refs: Sequence[str]) -> list[StoredRun]:
    folders = [find_run(store, ref) for ref in refs]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise DataError(must("runs", "different ones", ", ".join(refs), "Name each once."))
    return [StoredRun(folder, read_finished(folder)) for folder in folders]


def _labels_of_today(table: PhotoTable, predictions: Predictions, listener: Listener) -> tuple[PhotoTable, Predictions]:
    """Table and predictions of the photos that both have, sorted by photo."""
    found_N = np.isin(predictions.photo_N.astype(str), table.photo_N.astype(str))
    if not found_N.any():
        got = f"none of {len(predictions)}"
        raise DataError(must("photos of the runs", "in the data set", got, "Name the set that they were trained on."))
    if not found_N.all():
        listener.on_note(f"{int((~found_N).sum())} predicted photos are not in the data set and are left out")
    kept = predictions.take(found_N)
    today = table.at(kept.photo_N)
    if missing := len({*table.person_N.tolist()} - {*today.person_N.tolist()}):
        listener.on_note(f"{missing} people were never held out by these runs, so are not judged; use --folds 5")
    if changed := int(np.sum(today.class_N != kept.class_N)):
        listener.on_note(f"{changed} photos have another label than in training; the labels of today are judged")
    return today, kept


def _near_copies(seen: PhotoTable, facts: PhotoFacts, runs: Sequence[StoredRun]) -> tuple[NearCopy, ...]:
    person_of = dict(zip(seen.photo_N.tolist(), seen.person_N.tolist(), strict=True))
    splits = [_fold_of_person(run.folder) for run in runs]
    known = [split for split in splits if split]
    return tuple(
        NearCopy(one, other, alike, _parted(person_of[one], person_of[other], known))
        for one, other, alike in near_photos(seen, facts)
    )


def _parted(one: str, other: str, splits: Sequence[dict[str, int]]) -> bool | None:
    return any(split.get(one) != split.get(other) for split in splits) if splits else None


def _fold_of_person(run: Path) -> dict[str, int]:
    """The run's split; empty for an ensemble, which has none."""
    return {} if (run / ENSEMBLE).exists() else read_split(run)
