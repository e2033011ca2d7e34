"""Everything that a run learns from and is scored on: labelled photos, unlabelled ones, and what tells them apart."""

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
from maskwise.errors import DataError, must
from maskwise.fitting.drawn_photos import draw_on_bare
from maskwise.fitting.photo_set import CacheKeys, PhotoSet
from maskwise.fitting.photos import cached_pixels, pixel_keys
from maskwise.listeners import Listener
from maskwise.models import build as models
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import InputSpec, PhotoTable, Strings
from maskwise.store.run_record import RunData


class RunPhotos(NamedTuple):
    """The photos of a run, ready to be read."""

    labelled: PhotoSet
    unlabelled: PhotoSet | None
    """For self-training; None without it."""
    about: RunData


def refuse_missing_weights(recipe: Recipe) -> None:
    """``WeightsError`` where ``recipe`` begins with weights that were not brought here yet."""
    for single in single_recipes(recipe):
        models.refuse_missing_weights(single.recipe.model)


def read_labels(recipe: Recipe, data: Path) -> Manifest:
    """The labelled photos that ``recipe`` is about."""
    manifest = read_train(data, recipe.task, recipe.data.corrections)
    if recipe.data.only is None:
        return manifest
    return dataclasses.replace(manifest, table=manifest.table.take(keep(manifest.table, recipe.data.only)))


def leave_out_unreadable(manifest: Manifest, listener: Listener) -> Manifest:
    """The same without the photos that cannot be decoded, each of which is noted. Opens every photo."""
    table = manifest.table
    listener.on_stage("looking into photos", len(table))
    faults = find_unreadable(manifest.root, table.photo_N, listener.on_advance)
    for place, fault in faults.items():
        listener.on_note(f"left out: {table.photo_N[place]}: {fault}")
    readable_N = np.ones(len(table), dtype=np.bool_)
    readable_N[list(faults)] = False
    return dataclasses.replace(manifest, table=table.take(readable_N))


def read_photos(recipe: Recipe, manifest: Manifest, spec: InputSpec, cache: Path, listener: Listener) -> RunPhotos:
    """The pixels of all photos, decoded now where the cache does not have them yet.

    With self-training the eval part is read too; ``DataError`` where there is none.
    """
    table, root = manifest.table, manifest.root
    strangers = None if recipe.self_training is None else read_strangers(root, recipe)
    pixels = cached_pixels(root, table, spec, cache, listener)
    about = RunData(
        name=root.resolve().name,
        checksum=data_checksum(table, pixels.content_N),
        n_photos=len(table),
        n_people=len(np.unique(table.person_N.astype(str))),
        sources=tuple(describe_sources(root)),
    )
    drawn = draw_on_bare(recipe, table, root, spec, cache, listener)
    keys = CacheKeys(cache, pixel_keys(spec, pixels.content_N))
    labelled = PhotoSet(table, pixels.read, drawn=drawn, keys=keys)
    if strangers is None:
        return RunPhotos(labelled, None, about)
    stranger_pixels = cached_pixels(root, strangers, spec, cache, listener)
    keys = CacheKeys(cache, pixel_keys(spec, stranger_pixels.content_N))
    unlabelled = PhotoSet(strangers, stranger_pixels.read, keys=keys)
    checksum = data_checksum(strangers, stranger_pixels.content_N)
    unlabelled = unlabelled.take(~known_photos(stranger_pixels.content_N, pixels.content_N, listener))
    return RunPhotos(labelled, unlabelled, dataclasses.replace(about, unlabelled_checksum=checksum))


def read_strangers(root: Path, recipe: Recipe) -> PhotoTable:
    """The photos of the data set's eval part, all unlabelled. ``DataError`` without one, or where it is empty."""
    table = read_eval(root, recipe.task) if (root / EVAL_CSV).is_file() else None
    if table is None or not len(table):
        got = f"no photos in {EVAL_CSV}" if table is not None else f"none of that name in {root}"
        remedy = "Add unlabelled photos there, or leave self_training out."
        raise DataError(must(EVAL_CSV, "a list of unlabelled photos for self_training", got, remedy))
    return table


def known_photos(content_N: Strings, labelled_content_M: Strings, listener: Listener) -> NDArray[np.bool_]:
    """Which unlabelled photos are copies of labelled ones: held-out people must not train, not even so."""
    known_N = np.isin(content_N.astype(str), labelled_content_M.astype(str))
    if known_N.any():
        listener.on_note(f"{known_N.sum()} unlabelled photos are copies of labelled ones and get no pseudo-label")
    return known_N
