"""Everything that a run learns from and is scored on: labeled photos, unlabeled ones, and their checksums."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwise.data.choose_photos import keep
from maskwise.data.contents import data_checksum
from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import Manifest, read_eval, read_train
from maskwise.data.readable import find_unreadable
from maskwise.data.sources import describe_sources
from maskwise.errors import DataError, must, printable
from maskwise.fitting.drawn_photos import draw_on_bare
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import input_spec, read_set
from maskwise.listeners import Listener, note_left_out
from maskwise.recipe.config import Recipe
from maskwise.records import PhotoTable, Strings
from maskwise.store.run_record import RunData, folder_text


class RunPhotos(NamedTuple):
    """The photos of a run, ready to be read."""

    labeled: PhotoSet
    unlabeled: PhotoSet | None
    """For self-training; None without it."""
    about: RunData


def read_labels(recipe: Recipe, data: Path) -> Manifest:
    """The labeled photos that ``recipe`` is about."""
    manifest = read_train(data, recipe.task, recipe.data.corrections)
    if recipe.data.only is None:
        return manifest
    return dataclasses.replace(manifest, table=manifest.table.take(keep(manifest.table, recipe.data.only)))


def leave_out_unreadable(manifest: Manifest, listener: Listener) -> Manifest:
    """The same without the photos that cannot be decoded, each of which is noted. Opens every photo."""
    table = manifest.table
    listener.on_stage("looking into photos", len(table))
    faults = find_unreadable(manifest.root, table.photo_N, listener.on_advance)
    note_left_out(listener, (f"{table.photo_N[place]}: {fault}" for place, fault in faults.items()))
    readable_N = np.ones(len(table), dtype=np.bool_)
    readable_N[list(faults)] = False
    return dataclasses.replace(manifest, table=table.take(readable_N))


def read_photos(recipe: Recipe, manifest: Manifest, cache: Path, listener: Listener) -> RunPhotos:
    """The pixels of all photos, decoded now where the cache does not have them yet.

    With self-training the eval part is read too; ``DataError`` where there is none.
    """
    table, root, spec = manifest.table, manifest.root, input_spec(recipe)
    eval_table = None if recipe.self_training is None else read_unlabeled(root, recipe)
    labeled, content_N = read_set(table, root, spec, cache, listener)
    labeled = dataclasses.replace(labeled, drawn=draw_on_bare(recipe, table, root, cache, listener))
    about = RunData(
        name=printable(root.resolve().name),
        checksum=data_checksum(table, content_N),
        n_photos=len(table),
        n_people=len(np.unique(table.person_N.astype(str))),
        sources=tuple(describe_sources(root)),
        absent_classes=recipe.task.absent_classes(table.train_class_N),
        folder=folder_text(root),
    )
    if eval_table is None:
        return RunPhotos(labeled, None, about)
    unlabeled, eval_content_N = read_set(eval_table, root, spec, cache, listener)
    about = dataclasses.replace(about, unlabelled_checksum=data_checksum(eval_table, eval_content_N))
    return RunPhotos(labeled, unlabeled.take(~are_labeled(eval_content_N, content_N, listener)), about)


def read_unlabeled(root: Path, recipe: Recipe) -> PhotoTable:
    """The photos of the data set's eval part, all unlabeled. ``DataError`` without one, or where it is empty."""
    table = read_eval(root, recipe.task) if (root / EVAL_CSV).is_file() else None
    if table is None or not len(table):
        got = f"no photos in {EVAL_CSV}" if table is not None else f"none of that name in {root}"
        remedy = "Add unlabeled photos there, or leave self_training out."
        raise DataError(must(EVAL_CSV, "a list of unlabeled photos for self_training", got, remedy))
    return table


def are_labeled(content_N: Strings, labeled_content_M: Strings, listener: Listener) -> NDArray[np.bool_]:
    """Which unlabeled photos are copies of labeled ones: held-out people must not train, not even so."""
    is_copy_N = np.isin(content_N.astype(str), labeled_content_M.astype(str))
    if is_copy_N.any():
        listener.on_note(f"{is_copy_N.sum()} unlabeled photos are copies of labeled ones and get no pseudo-label")
    return is_copy_N
