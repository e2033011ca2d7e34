"""What decides a cached pixel, and that training, prediction and whoever reads photos see the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.data.pixels import DECODER_VERSION, decode_photo, prepare, resize
from maskwise.fitting.photos import cache_settings, input_spec, photo_reader
from maskwise.recipe.load import load_recipe
from support.quirks import encode, noise

REDUCED = "input.crop.decoding=reduced"


@pytest.fixture
def jpeg() -> bytes:
    return encode(noise(np.random.default_rng(7), 512, 384))


def test_whole_photos_keep_the_cache_of_before_and_reduced_ones_have_their_own() -> None:
    whole, reduced = (cache_settings(input_spec(load_recipe("quick-imagenet", changes))) for changes in ([], [REDUCED]))
    assert whole == {"crop": {"kind": "full_frame"}, "height_px": 128, "width_px": 112, "decoder": DECODER_VERSION}
    assert reduced == {**whole, "crop": {"kind": "full_frame", "decoding": "reduced"}}


def test_a_reduced_photo_is_decoded_at_half_of_its_size_and_then_shrunk(jpeg: bytes) -> None:
    read = photo_reader(input_spec(load_recipe("quick-imagenet", [REDUCED])))
    found = read(jpeg, "x")
    half = decode_photo(jpeg, "x", (128, 112))
    assert half.shape == (256, 192, 3)
    np.testing.assert_array_equal(found, resize(half, 128, 112))
    whole = photo_reader(input_spec(load_recipe("quick-imagenet")))(jpeg, "x")
    np.testing.assert_array_equal(whole, prepare(jpeg, "x", lambda photo: photo, 128, 112))
    assert not np.array_equal(whole, found)


def test_a_photo_that_is_hardly_larger_than_the_input_is_the_same_either_way() -> None:
    data = encode(noise(np.random.default_rng(8), 200, 176))
    one, two = (
        photo_reader(input_spec(load_recipe("quick-imagenet", changes)))(data, "x") for changes in ([], [REDUCED])
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("crop", ["center_crop", "face"])
def test_crops_that_count_pixels_of_the_photo_cannot_be_reduced(crop: str) -> None:
    from maskwise.errors import RecipeError

    with pytest.raises(RecipeError, match="decoding"):
        load_recipe("quick-imagenet", [f"input.crop.kind={crop}", REDUCED])


def test_the_two_ways_are_different_runs(tmp_path: Path) -> None:
    from maskwise.recipe.identity import run_id

    assert run_id(load_recipe("quick-imagenet"), "data") != run_id(load_recipe("quick-imagenet", [REDUCED]), "data")
