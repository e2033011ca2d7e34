"""Photos as a model sees them: the same crop and size for the cache of a training and for a prediction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from maskwise.data.cache import PixelCache, build_cache
from maskwise.data.pixels import DECODER_VERSION, prepare
from maskwise.faces.build import build_crop
from maskwise.faces.config import CropConfig
from maskwise.models.build import normalisation
from maskwise.recipe.config import Recipe
from maskwise.records import Image, InputSpec, PhotoTable
from maskwise.training.listeners import Listener


def input_spec(recipe: Recipe) -> InputSpec:
    """How ``recipe`` turns a photo into a model's input."""
    mean_C, std_C = normalisation(recipe.model)
    return InputSpec(
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        crop=recipe.input.crop.model_dump(mode="json"),
        mean_C=mean_C,
        std_C=std_C,
    )


def photo_reader(spec: InputSpec) -> Callable[[bytes, str], Image]:
    """(file contents, name) → uint8 height × width × 3, cropped and resized as ``spec`` says."""
    config: CropConfig = TypeAdapter(CropConfig).validate_python(dict(spec.crop))
    crop = build_crop(config)

    def read(data: bytes, name: str) -> Image:
        return prepare(data, name, lambda photo_HWC: crop(photo_HWC, None), spec.height_px, spec.width_px)

    return read


def cached_pixels(root: Path, table: PhotoTable, spec: InputSpec, cache: Path, listener: Listener) -> PixelCache:
    """The pixels of all photos of ``table``, decoded now where the cache does not have them yet."""
    listener.on_stage("reading photos", len(table))
    return build_cache(
        cache,
        [root / photo for photo in table.photo_N],
        cache_settings(spec),
        photo_reader(spec),
        spec.height_px,
        spec.width_px,
        threads=2,
        advance=listener.on_advance,
    )


def cache_settings(spec: InputSpec) -> dict[str, Any]:
    """What decides a cached pixel, besides the file: crop, size and the decoder's version."""
    return {
        "crop": dict(spec.crop),
        "height_px": spec.height_px,
        "width_px": spec.width_px,
        "decoder": DECODER_VERSION,
    }
