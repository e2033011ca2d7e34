"""The features of a frozen backbone, computed once for each view of a photo and kept in the cache beside the pixels.

    <cache>/<hash>/settings.json    what the features were made with, for people to read
    <cache>/<hash>/features.f32     a row of D numbers per photo, see ``data.row_file``
    <cache>/<hash>/maps.u8          or, where first blocks are frozen, their maps: h × w × D bytes per photo

The hash is of the backbone with its weights, the normalization and the view; a row's key is that of the photo's pixels.
So all heads, losses, samplers and seeds of one backbone share the features, folds share theirs, and the folder may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwise.augment.build import Augment, build_augment
from maskwise.augment.config import Flip
from maskwise.data.contents import content_of
from maskwise.data.row_file import RowFile, damaged_rows, open_rows
from maskwise.files import parse_json
from maskwise.fitting.fold_job import FoldJob, FoldPeople
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import features_precision
from maskwise.listeners import Listener
from maskwise.memory import keep_freed_memory
from maskwise.models.build import MaskwiseModel
from maskwise.models.config import Faces
from maskwise.probabilities import Probabilities
from maskwise.recipe.config import Recipe
from maskwise.records import Floats, Ints
from maskwise.seeds import rng_for
from maskwise.seen_files import SeenFiles
from maskwise.training.batches import ReadArray, to_images
from maskwise.training.checkpoints import load_weights
from maskwise.training.devices import autocast, place_model
from maskwise.training.features import FeatureInference, FeatureSource, frozen_part, frozen_state, learning_part
from maskwise.training.fold_files import WEIGHTS
from maskwise.training.inference import Inference, predict_table
from maskwise.training.loop import train_model, trained_folder
from maskwise.training.processes import load_in_all
from maskwise.training.training_inputs import Fit

FORMAT_VERSION = 2
COMPUTING = "computing features"
"""How the stage begins that makes them."""
FEATURES_FILE, MAPS_FILE = "features.f32", "maps.u8"
_BATCH_PHOTOS = 64
_DURABLE_PHOTOS = 1024
"""So many are made durable at once: what a kill can lose."""
_PREDICTED_AT_ONCE, _MAPS_AT_ONCE = 2048, 64

PhotoView = str | int
"""as_is, mirrored, or the number of an augmented view, from 1."""


@dataclass(frozen=True)
class FrozenBackbone:
    """What makes features: photos of a view → N × D."""

    model: MaskwiseModel
    """In eval mode, on the device; only its backbone is used."""
    forward: nn.Module
    """The backbone, or its frozen part, as it is called."""
    how: Inference
    precision: Literal["fp32", "bf16"]
    augment: Augment
    seed: int
    made_with: Mapping[str, Any]
    """Everything that decides the features of a photo as it is, JSON-able."""
    augmented_with: Mapping[str, Any]
    """What decides an augmented view besides."""

    @torch.inference_mode()
    def features(self, pixels_NHWC: NDArray[np.uint8], key_N: Sequence[str], view: PhotoView) -> NDArray[Any]:
        """N × D, float32, or maps N × h × w × D, uint8. An augmented view depends on photo, view and seed alone."""
        images_NCHW = to_images(pixels_NHWC, self.how.device)
        if isinstance(view, int):
            images_NCHW = torch.cat(
                [
                    self.augment(images_NCHW[k : k + 1], rng_for(self.seed, "cached view", view, int(key, 16)))
                    for k, key in enumerate(key_N)
                ]
            )
        given = self.how.of_batch(images_NCHW.contiguous(memory_format=torch.channels_last))
        with autocast(self.how.device, self.precision):
            made: Tensor = self.forward(given.flip(3) if view == "mirrored" else given)
        return (made if made.dtype == torch.uint8 else made.float()).cpu().numpy()

    @cached_property
    def row(self) -> NDArray[Any]:
        """Of one black photo: what shape and type a row has."""
        spec = self.how.spec
        row: NDArray[Any] = self.features(np.zeros((1, spec.height_px, spec.width_px, 3), np.uint8), ["0"], "as_is")[0]
        return row


def train_on_features(job: FoldJob, people: FoldPeople, fit: Fit, model: MaskwiseModel) -> None:
    """Train neck and heads of ``model`` on cached features; the job's folder ends with the weights of the whole net."""
    if not trained_folder(job.folder):
        backbone = frozen_backbone(job.recipe, model, fit.inference)
        on_features = _fit_of_features(job, people, fit, backbone)
        train_model(on_features, learning_part(model, job.recipe.train.frozen_blocks), job.folder, job.listener)
    place_model(model, fit.device).eval()
    load_in_all(lambda: load_weights(job.folder / WEIGHTS, model), model)


def training_views(recipe: Recipe) -> list[PhotoView]:
    """The views that train. One that is always mirrored is the one that predictions use."""
    views = recipe.train.cached_views or 1
    if views == 2 and recipe.augment == (Flip(p=1.0),):
        return ["as_is", "mirrored"]
    return ["as_is", *range(1, views)]


def missing_views(recipe: Recipe, n_photos: int, cache: Path) -> set[str]:
    """What decides each view that a training of ``recipe`` needs of ``n_photos``, as text, where the cache has it of
    fewer than half as many.

    For what is said beforehand: only settings are looked at, neither weights nor photos.
    """
    of_backbone = {
        "backbone": recipe.model.backbone.model_dump(mode="json"),
        "frozen_blocks": recipe.train.frozen_blocks,
    }
    of_augmented = {"augment": [each.model_dump(mode="json") for each in recipe.augment], "seed": recipe.seed}
    made = list(_kept_settings(cache))
    missing = set()
    for view in dict.fromkeys([*training_views(recipe), *recipe.predict.views]):
        own = {**of_backbone, "view": view, **(of_augmented if isinstance(view, int) else {})}
        alike = [folder for folder, settings in made if own == {name: settings.get(name, own[name]) for name in own}]
        kinds = (f"rows of {folder.name}/{name}" for folder in alike for name in (FEATURES_FILE, MAPS_FILE))
        if sum(len(SeenFiles(cache, kind).all()) for kind in kinds) < n_photos / 2:
            missing.add(json.dumps(own, sort_keys=True))
    return missing


def predict_from_features(job: FoldJob, model: MaskwiseModel, photos: PhotoSet, how: Inference) -> Probabilities:
    """The predictions of a model with a frozen backbone, from cached features."""
    read = _all_views(frozen_backbone(job.recipe, model, how), photos, job.listener)
    frozen_blocks = job.recipe.train.frozen_blocks
    at_once = _MAPS_AT_ONCE if frozen_blocks else _PREDICTED_AT_ONCE
    behind = learning_part(model, frozen_blocks).eval()
    return predict_table(behind, read, len(photos.table), _of_features(how), at_once)


def frozen_backbone(recipe: Recipe, model: MaskwiseModel, how: Inference) -> FrozenBackbone:
    """The backbone of ``model`` as a maker of features."""
    frozen_blocks, faces = recipe.train.frozen_blocks, isinstance(recipe.model.backbone, Faces)
    made_with = {
        "format": FORMAT_VERSION,
        "backbone": recipe.model.backbone.model_dump(mode="json"),
        "weights": _checksum(frozen_state(model, frozen_blocks)),
        "mean_C": how.spec.mean_C,
        "std_C": how.spec.std_C,
        "torch": torch.__version__,
        "device": how.device.type,
    }
    precision = features_precision(recipe, how.device)
    if faces:
        made_with |= {"frozen_blocks": frozen_blocks, "precision": precision}
    else:
        made_with |= {"batch_norms": "unfolded"}  # earlier features came from folded ones, and differ in the last bits
    augment = [each.model_dump(mode="json") for each in recipe.augment]
    placed = place_model(model, how.device).eval()
    return FrozenBackbone(
        model=placed,
        forward=frozen_part(placed, frozen_blocks),
        how=how,
        precision=precision,
        augment=build_augment(recipe.augment),
        seed=recipe.seed,
        made_with=made_with,
        augmented_with={"augment": augment, "seed": recipe.seed},
    )


def read_view(backbone: FrozenBackbone, photos: PhotoSet, view: PhotoView, listener: Listener) -> ReadArray:
    """Reads the features of ``photos`` in a view, M × D; those that are not in the cache yet are computed now."""
    if photos.keys is None:
        names = [content_of(str(name).encode()) for name in photos.table.photo_N]
        rows_ND = _compute(backbone, photos, np.arange(len(names)), names, view)
        return lambda index_M: np.asarray(rows_ND.reshape(-1, *backbone.row.shape)[index_M])
    key_N = photos.keys.key_N.tolist()
    name = MAPS_FILE if backbone.row.dtype == np.uint8 else FEATURES_FILE
    made_with = _described(backbone, view)
    with open_rows(photos.keys.cache, made_with, name, backbone.row.nbytes, listener.on_note) as rows:
        _add_missing(rows, backbone, photos, key_N, view, listener)
    if not key_N:
        return lambda index_M: np.zeros((len(index_M), *backbone.row.shape), backbone.row.dtype)
    return _checked_rows(rows, key_N, backbone.row)


# --- details -------------------------------------------------------------------------------------------------------


def _add_missing(
    rows: RowFile,
    backbone: FrozenBackbone,
    photos: PhotoSet,
    key_N: Sequence[str],
    view: PhotoView,
    listener: Listener,
) -> None:
    place_of = {key: place for place, key in enumerate(key_N) if key not in rows.row_of}
    missing_M = np.array(list(place_of.values()), dtype=np.int64)
    if not len(missing_M):
        return
    keep_freed_memory()
    listener.on_stage(f"{COMPUTING}, view {view}", len(missing_M))
    for start in range(0, len(missing_M), _DURABLE_PHOTOS):
        part_M = missing_M[start : start + _DURABLE_PHOTOS]
        names = [key_N[place] for place in part_M]
        rows.append(dict(zip(names, _compute(backbone, photos, part_M, names, view, listener), strict=True)))


def _kept_settings(cache: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folders of ``cache`` that have features, and what these were made with."""
    for file in cache.glob("*/settings.json"):
        with contextlib.suppress(OSError, ValueError):
            settings = parse_json(file.read_text())
            if "view" in settings:
                yield file.parent, settings


def _checked_rows(rows: RowFile, key_N: Sequence[str], like: NDArray[Any]) -> ReadArray:
    """Reads rows of the shape and type of ``like``; ``StoreError`` for one whose bytes are not those that were kept."""
    row_N = np.array([rows.row_of[key] for key in key_N])
    mapped = np.asarray(np.memmap(rows.file, like.dtype, "r", shape=(rows.n_rows, *like.shape)))
    is_sound_N = np.zeros(len(row_N), dtype=np.bool_)

    def read(index_M: Ints) -> NDArray[Any]:
        read_M = mapped.take(row_N[index_M], axis=0)
        for nth in np.flatnonzero(~is_sound_N[index_M]):
            place = index_M[nth]
            if zlib.crc32(read_M[nth].data) != rows.sum_of[key_N[place]]:
                raise damaged_rows(rows.file, f"other bytes in row {row_N[place]}")
            is_sound_N[place] = True
        return read_M

    return read


def _compute(
    backbone: FrozenBackbone,
    photos: PhotoSet,
    index_M: Ints,
    key_M: Sequence[str],
    view: PhotoView,
    listener: Listener | None = None,
) -> Floats:
    parts = []
    for start in range(0, len(index_M), _BATCH_PHOTOS):
        now = slice(start, start + _BATCH_PHOTOS)
        parts.append(backbone.features(photos.read(index_M[now]), key_M[now], view))
        if listener is not None:
            listener.on_advance(len(parts[-1]))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def _fit_of_features(job: FoldJob, people: FoldPeople, fit: Fit, backbone: FrozenBackbone) -> Fit:
    """``fit`` with features in place of photos."""
    source = {field.name: getattr(fit.source, field.name) for field in dataclasses.fields(fit.source)}
    selection = fit.selection
    if selection is not None and people.validation is not None:
        selection = dataclasses.replace(selection, read=_all_views(backbone, people.validation, job.listener))
    reads = tuple(read_view(backbone, people.training, view, job.listener) for view in training_views(job.recipe))
    return dataclasses.replace(
        fit,
        source=FeatureSource(**source, views=reads),
        selection=selection,
        inference=_of_features(fit.inference),
        config=fit.config.model_copy(update={"frozen_blocks": 0}),
        still=frozen_state(backbone.model, fit.config.frozen_blocks),
    )


def _all_views(backbone: FrozenBackbone, photos: PhotoSet, listener: Listener) -> ReadArray:
    """Reads the features M × V × D of the views that prediction averages."""
    reads = [read_view(backbone, photos, view, listener) for view in backbone.how.views]
    return lambda index_M: np.stack([read(index_M) for read in reads], axis=1)


def _of_features(how: Inference) -> FeatureInference:
    return FeatureInference(how.spec, how.views, how.device, how.first_age_years, how.precision)


def _checksum(state: Mapping[str, Tensor]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for name, tensor in state.items():
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _described(backbone: FrozenBackbone, view: PhotoView) -> str:
    """Everything that the features of a view depend on but the photos, as text."""
    settings = {**backbone.made_with, "view": view, **(backbone.augmented_with if isinstance(view, int) else {})}
    if backbone.row.dtype == np.uint8:
        settings["map"] = backbone.row.shape  # grows with the photo; rows of two lengths cannot lie in one file
    return json.dumps(settings, sort_keys=True, indent=1)
