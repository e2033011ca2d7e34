"""Training on cached features is training on photos: the same numbers, a whole model, and nothing computed twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import Workplace
from maskwise.errors import RecipeError, StoreError
from maskwise.fitting.cached_features import FEATURES_FILE, training_views
from maskwise.listeners import Silent
from maskwise.recipe.load import load_recipe
from maskwise.records import Predictions
from maskwise.store.layout import PREDICTIONS, weights_path
from maskwise.store.predictions_file import read_predictions
from maskwise.workflows.predict_photos import predict_photos
from maskwise.workflows.run_recipe import Place, run_recipe
from support.fits import KillAt, Killed, Remember

FROZEN = ("augment=[]", "train.freeze_backbone_epochs=3", "train.optimizer.rate=0.05")
RICH = (
    "predict.views=[as_is, mirrored]",
    "model.neck={kind: linear, features: 16, dropout: 0.3}",
    "model.age_head={kind: linear}",
    "auxiliary={kind: age_distribution}",
    "train.ema_decay=0.9",
    "train.checkpoint={kind: inner_hold_out, share: 0.3}",
    "sampling.kind=weighted",
)
"""Everything that the two paths go through apart."""


class Stages(Remember):
    """Keeps the names and sizes of the stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[tuple[str, int]] = []

    def on_stage(self, name: str, total: int) -> None:
        self.stages.append((name, total))

    @property
    def computed(self) -> list[int]:
        return [total for name, total in self.stages if name.startswith("computing features")]


def train(place: Workplace, *changes: str, listener: Silent | None = None) -> Path:
    """A run's folder."""
    where = Place(place.data, place.store, place.cache)
    return run_recipe(load_recipe(str(place.recipe), changes), where, ["train"], listener or Silent())[0]


def predictions(folder: Path) -> Predictions:
    return read_predictions(folder / PREDICTIONS)[0]


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """An empty store, and a cache of its own with pixels alone: tests before this one may have left features."""
    cache = tmp_path / "cache"
    if workplace.cache.exists():
        shutil.copytree(workplace.cache, cache)
        for features in cache.glob(f"*/{FEATURES_FILE}"):
            shutil.rmtree(features.parent)
    return Workplace(workplace.data, workplace.recipe, tmp_path / "runs", cache)


@pytest.mark.parametrize("more", [(), RICH], ids=["plain", "rich"])
def test_the_same_numbers_as_on_photos(place: Workplace, more: tuple[str, ...]) -> None:
    """Probabilities agree to 1e-4 and weights to 1e-3: convolutions round differently in batches of other sizes."""
    photos = train(place, *FROZEN, *more)
    features = train(place, *FROZEN, *more, "train.cached_views=1")
    assert photos != features
    expected, got = predictions(photos), predictions(features)
    assert got.photo_N.tolist() == expected.photo_N.tolist()
    np.testing.assert_allclose(got.probs_NC, expected.probs_NC, atol=1e-4)
    assert np.ptp(expected.probs_NC) > 0.1  # else everything would agree
    one, two = (safetensors.torch.load(weights_path(each, 0).read_bytes()) for each in (photos, features))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        np.testing.assert_allclose(two[name].numpy(), tensor.numpy(), atol=1e-3, err_msg=name)


def test_what_is_kept_is_a_whole_model(place: Workplace) -> None:
    """``predict`` uses the whole net: of held-out people it predicts what the run did from features."""
    folder = train(place, *FROZEN, "train.cached_views=1")
    held_out = predictions(folder)
    predicted, _ = predict_photos(folder, [place.data / "train" / "images"], False, Silent())
    said = {f"train/images/{photo}": row for photo, row in zip(predicted.photo_N, predicted.probs_NC, strict=True)}
    again_NC = np.array([said[photo] for photo in held_out.photo_N])
    np.testing.assert_allclose(again_NC, held_out.probs_NC, atol=1e-5)


def test_features_are_computed_once_for_each_photo_and_view(place: Workplace) -> None:
    """A second loss, seed or split needs only what is missing; other augmentations only their own view."""
    first, loss, seed, split, augment = (Stages() for _ in range(5))
    with_views = ("train.freeze_backbone_epochs=3", "train.cached_views=3", "model.weights.kind=none")
    train(place, *with_views, listener=first)
    fits, scored = first.computed[0], first.computed[-1]
    assert first.computed == [fits, fits, fits, scored]
    assert fits + scored == 24 * 7
    train(place, *with_views, "loss.kind=focal", listener=loss)
    assert loss.computed == []
    train(place, *with_views, "split.seed=1", listener=split)
    assert all(count < fits for count in split.computed)  # photos that had not trained before
    train(place, *with_views, "augment=[{kind: flip, p: 1.0}]", listener=augment)
    assert augment.computed == [fits, fits]
    train(place, *with_views, "seed=1", listener=seed)
    assert seed.computed == first.computed  # the random weights are others


def test_an_augmented_view_depends_on_photo_view_and_seed_alone(place: Workplace) -> None:
    """So a cache that other runs filled in part, or none, changes no number."""
    changes = ("train.freeze_backbone_epochs=3", "train.cached_views=2")
    fresh = predictions(train(place, *changes))
    train(place, *changes, "split.seed=1")
    filled = Workplace(place.data, place.recipe, place.store.with_name("again"), place.cache)
    np.testing.assert_array_equal(predictions(train(filled, *changes)).probs_NC, fresh.probs_NC)


def test_damaged_features_are_noticed(place: Workplace) -> None:
    with_views = ("train.freeze_backbone_epochs=3", "train.cached_views=2", "model.weights.kind=none")
    train(place, *with_views)
    file = max(place.cache.glob("*/features.f32"), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    for place_of_row in range(0, len(data), len(data) // 300):
        data[place_of_row] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"features\.f32 must .* got 'other bytes in row .*Delete"):
        train(place, *with_views, "loss.kind=focal")


def test_a_killed_run_goes_on(place: Workplace) -> None:
    changes = (*FROZEN, "train.cached_views=1", "train.ema_decay=0.9")
    whole = predictions(train(place, *changes))
    other = Workplace(place.data, place.recipe, place.store.with_name("killed"), place.cache)
    with pytest.raises(Killed):
        train(other, *changes, listener=KillAt(12))
    listener = Remember()
    np.testing.assert_array_equal(predictions(train(other, *changes, listener=listener)).probs_NC, whole.probs_NC)
    assert any(note.startswith("continues in epoch 2") for note in listener.notes)


@pytest.mark.parametrize(
    "changes, problem",
    [
        (["train.cached_views=1"], "train.cached_views must be left out where the backbone learns"),
        (["train.freeze_backbone_epochs=3", "train.cached_views=1"], "augment must be empty with one view"),
        ([*FROZEN, "train.cached_views=2"], "train.cached_views must be 1 without augment, got 2"),
        ([*FROZEN, "train.cached_views=1", "mixing.kind=mixup"], "mixing.kind must be none with train.cached_views"),
        ([*FROZEN, "train.cached_views=1", "train.precision=bf16"], "train.precision must be fp32 with"),
    ],
)
def test_what_it_cannot_go_with_is_refused(workplace: Workplace, changes: list[str], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        load_recipe(str(workplace.recipe), changes)


def test_the_whole_story_by_the_command_line(place: Workplace, cli: Callable[..., str]) -> None:
    options = [word for change in (*FROZEN, "train.cached_views=1") for word in ("--set", change)]
    assert "macro F1" in cli(*place.train("--quiet", *options))


FACES = (
    "model.backbone={kind: faces}",
    "model.weights={kind: none}",
    "input.height_px=48",
    "input.width_px=40",
    "train.frozen_blocks=6",
    "train.optimizer.rate=0.01",
    "augment=[]",
)


def test_the_last_blocks_learn_the_same_on_cached_maps(place: Workplace) -> None:
    """Maps are kept in bytes, so probabilities agree to a few hundredths; the frozen blocks are those of the start."""
    photos = train(place, *FACES)
    listener = Stages()
    maps = train(place, *FACES, "train.cached_views=1", listener=listener)
    assert len(listener.computed) == 2
    assert listener.computed[0] > 0
    np.testing.assert_allclose(predictions(maps).probs_NC, predictions(photos).probs_NC, atol=0.05)
    kept, wanted = (safetensors.torch.load_file(weights_path(folder, 0)) for folder in (maps, photos))
    assert kept.keys() == wanted.keys()
    for name in kept:
        if name.startswith("backbone.stem.") or name.startswith("backbone.blocks.4."):
            assert torch.equal(kept[name], wanted[name])
    moved = "backbone.blocks.5.pointwise.weight"
    assert float((kept[moved] - wanted[moved]).abs().mean()) < 0.1 * float(wanted[moved].abs().mean())


def test_maps_of_photos_of_two_sizes_lie_side_by_side(place: Workplace) -> None:
    """The smaller first, then the larger, then the smaller from what is kept, with another loss: nothing is damaged."""
    small = ("train.cached_views=1",)
    large = (*small, "input.height_px=80", "input.width_px=64")
    again, focal = Stages(), ("loss={kind: focal}",)
    alone = predictions(train(place, *FACES, *small, *focal))
    shutil.rmtree(place.cache)
    train(place, *FACES, *small)
    train(place, *[each for each in FACES if "_px" not in each], *large)
    beside = Workplace(place.data, place.recipe, place.store.with_name("beside"), place.cache)
    np.testing.assert_array_equal(
        predictions(train(beside, *FACES, *small, *focal, listener=again)).probs_NC, alone.probs_NC
    )
    assert again.computed == []


def test_a_view_that_is_always_mirrored_is_the_one_that_predictions_use() -> None:
    changes = ["train.freeze_backbone_epochs=3", "train.cached_views=2", "train.epochs=3"]
    base = load_recipe("probe-imagenet", [*changes, "augment=[{kind: flip, p: 1.0}]"])
    assert training_views(base) == ["as_is", "mirrored"]
    assert training_views(load_recipe("probe-imagenet", [*changes, "augment=[{kind: flip}]"])) == ["as_is", 1]
