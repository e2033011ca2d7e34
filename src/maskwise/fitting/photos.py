"""Photos as a model sees them: the same crop and size for the cache of a training and for a prediction."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import TypeAdapter

from maskwise.data.cache import PixelCache, build_cache
from maskwise.data.contents import content_of
from maskwise.data.pixels import DECODER_VERSION, prepare, resize
from maskwise.data.shards import ShardPixels, is_sharded, open_shards
from maskwise.errors import DataError
from maskwise.faces.box_store import BoxStore
from maskwise.faces.build import build_crop, needs_faces
from maskwise.faces.config import CropConfig, decisive_settings, decodes_reduced
from maskwise.faces.detection import DETECTOR_VERSION, find_face
from maskwise.fitting.photo_set import CacheKeys, PhotoSet
from maskwise.listeners import Listener
from maskwise.memory import keep_freed_memory
from maskwise.models.build import normalization
from maskwise.models.config import Faces
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import FaceBox, Image, InputSpec, PhotoTable, Strings
from maskwise.training.devices import choose_device, multiplies_bf16, predicting_precision
from maskwise.training.inference import Inference

DECODING_THREADS = 2


def input_spec(recipe: Recipe) -> InputSpec:
    """How ``recipe`` turns a photo into a model's input; of a recipe with parts, how its first part does."""
    recipe = single_recipes(recipe)[0].recipe
    mean_C, std_C = normalization(recipe.model)
    return InputSpec(
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        crop=decisive_settings(recipe.input.crop),
        mean_C=mean_C,
        std_C=std_C,
    )


def inference(recipe: Recipe, spec: InputSpec) -> Inference:
    """How the recipe's models predict."""
    age_head = recipe.model.age_head
    device = choose_device(recipe.runtime.device)
    return Inference(
        spec=spec,
        views=recipe.predict.views,
        device=device,
        precision=predicting_precision(recipe.train.precision, device),
        first_age_years=None if age_head is None else age_head.first_age_years,
    )


def photo_reader(spec: InputSpec, boxes: BoxStore | None = None) -> Callable[[bytes, str], Image]:
    """(file contents, name) → uint8 height × width × 3, cropped and resized as ``spec`` says.

    Faces are looked for only where the crop needs them, and remembered in ``boxes`` if it is given.
    """
    config = _crop_config(spec)
    crop, looks_for_faces = build_crop(config), needs_faces(config)
    least_px = (spec.height_px, spec.width_px) if decodes_reduced(config) else None

    def read(data: bytes, name: str) -> Image:
        def cropped(photo_HWC: Image) -> Image:
            try:
                return crop(photo_HWC, _face(data, photo_HWC, boxes) if looks_for_faces else None)
            except DataError as error:
                raise DataError([f"{name}: {problem}" for problem in error.problems]) from None

        return prepare(data, name, cropped, spec.height_px, spec.width_px, least_px)

    return read


def newly_cropped(spec: InputSpec) -> Callable[[Image], Image]:
    """A decoded photo → uint8 height × width × 3 as ``spec`` says; its face is looked for and not remembered.

    ``DataError`` where the crop refuses the photo.
    """
    config = _crop_config(spec)
    crop, looks_for_faces = build_crop(config), needs_faces(config)

    def read(photo_HWC: Image) -> Image:
        face = find_face(photo_HWC) if looks_for_faces else None
        return resize(crop(photo_HWC, face), spec.height_px, spec.width_px)

    return read


def features_precision(recipe: Recipe, device: torch.device) -> Literal["fp32", "bf16"]:
    """The number format that the features of a standing backbone are computed in, in training and in prediction."""
    faces = isinstance(recipe.model.backbone, Faces)
    return "bf16" if faces and multiplies_bf16(device) else "fp32"


def cached_pixels(
    root: Path, table: PhotoTable, spec: InputSpec, cache: Path, listener: Listener
) -> PixelCache | ShardPixels:
    """The pixels of all photos of ``table``, decoded now where the cache does not have them yet.

    Photos in tar shards are not cached but decoded whenever they are read: such sets are too large to be kept twice.
    """
    boxes = BoxStore(cache, listener.on_note) if needs_faces(_crop_config(spec)) else None
    if is_sharded(root) and all(str(name).startswith("train/") for name in table.photo_N[:1]):
        listener.on_note("the photos lie in tar shards: they are decoded anew in every epoch, and no pixels are kept")
        reader = photo_reader(spec, boxes)
        return ShardPixels(open_shards(root, listener.on_note), table.photo_N, reader, spec.height_px, spec.width_px)
    listener.on_stage("reading photos", len(table))
    keep_freed_memory()
    pixels = build_cache(
        cache,
        [f"{root}/{photo}" for photo in table.photo_N],  # a Path each takes as long as all their files' status
        cache_settings(spec),
        photo_reader(spec, boxes),
        spec.height_px,
        spec.width_px,
        threads=DECODING_THREADS,
        advance=listener.on_advance,
        note=listener.on_note,
    )
    if boxes is not None:
        boxes.save()
        faceless = boxes.count_faceless(pixels.content_N)
        listener.on_note(f"no face found in {faceless} of {len(table)} photos; they show the {_shown(spec)}")
    return pixels


def read_set(
    table: PhotoTable, root: Path, spec: InputSpec, cache: Path, listener: Listener
) -> tuple[PhotoSet, Strings]:
    """(the photos of ``table`` with their pixels, the contents of their files), as ``cached_pixels`` has them."""
    pixels = cached_pixels(root, table, spec, cache, listener)
    keys = CacheKeys(cache, pixel_keys(spec, pixels.content_N))
    return PhotoSet(table, pixels.read, keys=keys), pixels.content_N


def cache_settings(spec: InputSpec) -> dict[str, Any]:
    """What decides a cached pixel, besides the file: crop, size and the versions of decoder and detector."""
    settings = {
        "crop": dict(spec.crop),
        "height_px": spec.height_px,
        "width_px": spec.width_px,
        "decoder": DECODER_VERSION,
    }
    return settings | ({"detector": DETECTOR_VERSION} if needs_faces(_crop_config(spec)) else {})


def pixel_keys(spec: InputSpec, content_N: Strings) -> Strings:
    """32 hex digits per photo: the contents of its file, and all that decides its pixels besides."""
    settings = json.dumps(cache_settings(spec), sort_keys=True)
    keys = [content_of(f"{settings}\0{content}".encode()) for content in content_N.tolist()]
    return np.array(keys, dtype=object)


def _crop_config(spec: InputSpec) -> CropConfig:
    config: CropConfig = TypeAdapter(CropConfig).validate_python(dict(spec.crop))
    return config


def _face(data: bytes, photo_HWC: Image, boxes: BoxStore | None) -> FaceBox | None:
    return find_face(photo_HWC) if boxes is None else boxes.face(content_of(data), photo_HWC)


def _shown(spec: InputSpec) -> str:
    return str(spec.crop["without_face"]).replace("_", " ")
