"""What is said beforehand of how long a training takes, from what trainings like it took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.fitting.expected_time import expected_seconds, plan_line, series_line
from maskwise.listeners import Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.workflows.run_recipe import Place, run_recipe

FROZEN = ("model.backbone={kind: timm, name: tf_efficientnet_lite0}", "train.freeze_backbone_epochs=3", "augment=[]")


class Notes(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_note(self, text: str) -> None:
        self.notes.append(text)


def set_pace(cache: Path, **seconds: float) -> None:
    """Put other numbers in place of what the one training before took, per photo."""
    (file,) = cache.glob("speed/pace-*.json")
    assert json.loads(file.read_text()).keys() == seconds.keys()
    file.write_text(json.dumps(seconds))


def train(place: Workplace, recipe: Recipe) -> str:
    """Train, and give the plan that was noted."""
    listener = Notes()
    run_recipe(recipe, Place(place.data, place.store, place.cache), ["train"], listener)
    (plan,) = [note for note in listener.notes if note.startswith("168 photos, ")]
    return plan


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """An empty store, and an empty cache."""
    return Workplace(workplace.data, workplace.recipe, tmp_path / "runs", tmp_path / "cache")


def test_a_second_training_of_a_kind_has_a_time(place: Workplace) -> None:
    def recipe(*changes: str) -> Recipe:
        return load_recipe(str(place.recipe), changes)

    assert train(place, recipe()) == "168 photos, 3 epochs"
    set_pace(place.cache, epoch=0.1)
    # Seeds, losses and numbers of epochs and folds do not change the pace; 168 photos take 16.8 s an epoch.
    assert train(place, recipe("seed=1", "train.epochs=1")) == "168 photos, 1 epoch, about 17 s"
    set_pace(place.cache, epoch=0.1)
    folds = recipe("split={kind: k_fold, folds: 4}", "loss={kind: focal}")
    assert plan_line(folds, 168, place.cache) == "168 photos, 4 models of 3 epochs, about 3 min"
    assert plan_line(folds, 1680, place.cache) == "1,680 photos, 4 models of 3 epochs, about 34 min"
    # A larger photo is another pace, which nobody knows yet.
    large = recipe("input.height_px=64", "input.width_px=48")
    assert plan_line(large, 168, place.cache) == "168 photos, 3 epochs"
    # Of a series, kinds that nobody knows count as the mean of the others.
    assert expected_seconds([recipe(), large], 168, place.cache) == pytest.approx(2 * 3 * 16.8)
    assert (
        series_line([recipe(), large], 5, 168, place.cache) == "2 runs of 168 photos (5 more are finished), about 2 min"
    )
    assert series_line([large, large], 0, 168, place.cache) == "2 runs of 168 photos"


def test_features_that_are_not_there_yet_count(place: Workplace) -> None:
    recipe = load_recipe(str(place.recipe), [*FROZEN, "train.cached_views=1"])
    assert train(place, recipe) == "168 photos, 3 epochs"
    set_pace(place.cache, features=1.0, epoch=0.01)
    assert expected_seconds([recipe], 168, place.cache) == pytest.approx(0.01 * 3 * 168)
    mirrored = load_recipe(str(place.recipe), [*FROZEN, "train.cached_views=1", "predict.views=[as_is, mirrored]"])
    assert expected_seconds([mirrored], 168, place.cache) == pytest.approx((1 + 0.01 * 3) * 168)
    # A series computes what its runs share once.
    assert expected_seconds([mirrored, mirrored], 168, place.cache) == pytest.approx((1 + 2 * 0.01 * 3) * 168)


def test_a_file_that_is_not_whole_is_as_none(place: Workplace) -> None:
    recipe = load_recipe(str(place.recipe))
    train(place, recipe)
    (file,) = place.cache.glob("speed/pace-*.json")
    for text in ("", "[1]", '{"epoch": "x"}'):
        file.write_text(text)
        assert expected_seconds([recipe], 168, place.cache) is None
