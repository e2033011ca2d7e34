"""Which setting a word that no recipe has may mean."""

from __future__ import annotations

import pytest

from maskwise.errors import RecipeError
from maskwise.recipe.addresses import settings_of
from maskwise.recipe.load import load_recipe
from maskwise.recipe.other_words import OTHER_WORDS, meant_address

ADDRESSES = settings_of(load_recipe("quick-imagenet").model_dump(mode="json"))


def test_every_setting_that_is_named_is_one_of_a_recipe() -> None:
    assert set(OTHER_WORDS.values()) <= set(ADDRESSES)
    assert {"input.height_px", "input.width_px"} <= set(ADDRESSES)


@pytest.mark.parametrize(
    "written, meant",
    [
        ("optimiser.lerning_rate", "train.optimizer.rate"),
        ("lr", "train.optimizer.rate"),
        ("optim.lr", "train.optimizer.rate"),
        ("epoch", "train.epochs"),
        ("batchsize", "train.batch_size"),
        ("learner.warmup_epoch", "train.warmup_epochs"),
    ],
)
def test_a_misspelled_address_means_the_nearest_of_the_whole_recipe(written: str, meant: str) -> None:
    assert meant_address(written, ADDRESSES) == meant
    with pytest.raises(RecipeError, match=f"Did you mean {meant}\\?"):
        load_recipe("quick-imagenet", [f"{written}=1"])


def test_what_is_like_nothing_means_nothing() -> None:
    assert meant_address("xyzzy", ADDRESSES) is None
    assert meant_address("lr", ()) == "train.optimizer.rate"
    assert meant_address("epoch", ()) is None
