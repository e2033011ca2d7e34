"""Masks drawn on the unmasked photos of a data set: further photos to train on, whose mask status is known.

All that is drawn from one file is one row of the pixel cache, so a face is found once and nothing is drawn twice.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.cache import PixelCache, build_cache
from maskwise.data.config import DrawMasks
from maskwise.data.contents import content_of
from maskwise.data.pixels import decode_photo
from maskwise.drawing.draw_masks import DRAWING_VERSION, draw_mask, plan_mask
from maskwise.drawing.seven_photos import plan_incorrect, why_unusable
from maskwise.errors import DataError, must
from maskwise.faces.detection import DETECTOR_VERSION, find_faces, largest_face
from maskwise.fitting.photo_set import CacheKeys, PhotoSet
from maskwise.fitting.photos import DECODING_THREADS, cache_settings, input_spec, newly_cropped
from maskwise.labels import MASK_CLASSES, Task
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.records import Image, InputSpec, Ints, PhotoTable, Strings
from maskwise.seeds import rng_for

_CHECKED_AT_ONCE = 512


def draw_on_bare(recipe: Recipe, table: PhotoTable, root: Path, cache: Path, listener: Listener) -> PhotoSet | None:
    """The photos that ``data.draw_masks`` adds to those of ``table``, for training alone; None where it is unset.

    Drawn now where the cache does not have them yet. Photos on which no mask can be drawn are left out and counted.
    ``DataError`` where there is no unmasked photo, or none that will do.
    """
    settings = recipe.data.draw_masks
    if settings is None:
        return None
    bare = table.take(table.mask_N == MASK_CLASSES.index("not_worn"))
    if not len(bare):
        remedy = "Add such photos, or leave it out."
        raise DataError(must("data.draw_masks", "set for a data set with unmasked photos", "a set of none", remedy))
    listener.on_stage("drawing masks", len(bare))
    spec = input_spec(recipe)
    pixels = build_cache(
        cache,
        [root / photo for photo in bare.photo_N],
        _all_settings(settings, spec),
        stack_reader(settings, spec),
        settings.copies * spec.height_px,
        spec.width_px,
        threads=DECODING_THREADS,
        advance=listener.on_advance,
        note=listener.on_note,
    )
    drawn = PhotoSet(
        drawn_table(bare, pixels, settings, recipe.task),
        unstacked(pixels, settings.copies),
        keys=CacheKeys(cache, drawn_keys(pixels, settings, spec)),
    )
    usable_M = _is_drawn(drawn)
    listener.on_note(f"masks drawn on unmasked photos: {usable_M.sum():,} drawn, {(~usable_M).sum():,} were unsuitable")
    if not usable_M.any():
        raise DataError(must("data.draw_masks", "set for photos of faces", "no face that will do", "Leave it out."))
    return drawn.take(usable_M)


def stack_reader(settings: DrawMasks, spec: InputSpec) -> Callable[[bytes, str], Image]:
    """(file, name) → all its drawn photos, one above the other: (copies · height) × width × 3, black where refused."""
    cropped = newly_cropped(spec)

    def read(data: bytes, name: str) -> Image:
        photo_HWC = decode_photo(data, name)
        faces = find_faces(photo_HWC)
        stack_KHWC = np.zeros((settings.copies, spec.height_px, spec.width_px, 3), dtype=np.uint8)
        face = None if why_unusable(photo_HWC, faces) else largest_face(faces)
        if face is not None:
            landmarks_52 = np.array(face.landmarks_px)
            for copy in range(settings.copies):
                masked_HWC = draw_copy(photo_HWC, landmarks_52, content_of(data), copy, settings)
                try:
                    stack_KHWC[copy] = cropped(masked_HWC)
                except DataError:
                    # A crop that refuses photos without a face: the mask hides this one's from the detector.
                    continue
        return stack_KHWC.reshape(-1, spec.width_px, 3)

    return read


def draw_copy(
    photo_HWC: Image, landmarks_52_px: NDArray[np.float64], content: str, copy: int, settings: DrawMasks
) -> Image:
    """The photo with the mask that its contents and the number of the copy decide."""
    rng = _chance(content, copy, settings)
    if _is_incorrect(rng, settings):
        plan = plan_incorrect(photo_HWC, landmarks_52_px, rng)
    else:
        plan = plan_mask(rng, "right")
    return draw_mask(photo_HWC, landmarks_52_px, plan)


def drawn_table(bare: PhotoTable, pixels: PixelCache, settings: DrawMasks, task: Task) -> PhotoTable:
    """What is known of each drawn photo: all that is known of the bare one, and the mask status that was drawn.

    The copies of a photo follow each other; ``photo_N`` is the bare photo's with # and the number of the copy.
    """
    index_M = np.repeat(np.arange(len(bare)), settings.copies)
    copy_M = np.tile(np.arange(settings.copies), len(bare))
    worn, incorrect = MASK_CLASSES.index("worn"), MASK_CLASSES.index("incorrect")
    content_M = pixels.content_N[index_M].tolist()
    wrong_M = [
        _is_incorrect(_chance(content, copy, settings), settings)
        for content, copy in zip(content_M, copy_M.tolist(), strict=True)
    ]
    names = [f"{photo}#{copy}" for photo, copy in zip(bare.photo_N[index_M], copy_M.tolist(), strict=True)]
    drawn = dataclasses.replace(
        bare.take(index_M),
        photo_N=np.array(names, dtype=object),
        mask_N=np.where(wrong_M, incorrect, worn).astype(np.int64),
    )
    return task.label(drawn)


def drawn_keys(pixels: PixelCache, settings: DrawMasks, spec: InputSpec) -> Strings:
    """The key of each drawn photo's pixels, in the order of ``drawn_table``."""
    made_with = json.dumps(_all_settings(settings, spec), sort_keys=True)
    copies = range(settings.copies)
    keys = [content_of(f"{made_with}\0{each}\0{k}".encode()) for each in pixels.content_N.tolist() for k in copies]
    return np.array(keys, dtype=object)


def unstacked(pixels: PixelCache, copies: int) -> Callable[[Ints], Image]:
    """Reads single drawn photos out of a cache of stacks."""

    def read(index_M: Ints) -> Image:
        stack_MHWC = pixels.read(index_M // copies)
        stack_MKHWC = stack_MHWC.reshape(len(index_M), copies, pixels.height_px // copies, pixels.width_px, 3)
        return np.asarray(stack_MKHWC[np.arange(len(index_M)), index_M % copies], dtype=np.uint8)

    return read


def _chance(content: str, copy: int, settings: DrawMasks) -> np.random.Generator:
    return rng_for(settings.seed, "mask for training", copy, int(content, 16))


def _is_incorrect(rng: np.random.Generator, settings: DrawMasks) -> bool:
    """The first random number of a copy, so that labels are known without drawing."""
    return bool(rng.random() < settings.incorrect_share)


def _is_drawn(drawn: PhotoSet) -> NDArray[np.bool_]:
    """True for those that are not all black, as nothing is that shows a face."""
    parts = np.array_split(np.arange(len(drawn.table)), max(1, len(drawn.table) // _CHECKED_AT_ONCE))
    return np.concatenate([drawn.read(part).any(axis=(1, 2, 3)) for part in parts])


def _all_settings(settings: DrawMasks, spec: InputSpec) -> dict[str, object]:
    drawing = {**settings.model_dump(mode="json"), "version": DRAWING_VERSION, "detector": DETECTOR_VERSION}
    return cache_settings(spec) | {"drawn_masks": drawing}
