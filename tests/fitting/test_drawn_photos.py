"""``data.draw_masks``: further photos for training, labeled by what was drawn, never of held-out people."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Workplace
from maskwise.cli.progress import PlainLines
from maskwise.data.config import DrawMasks
from maskwise.data.manifest import read_train
from maskwise.errors import DataError, RecipeError
from maskwise.fitting.drawn_photos import draw_on_bare, stack_reader
from maskwise.fitting.fold_job import assign_people
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import input_spec
from maskwise.labels import MASK_CLASSES
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import load_recipe, parse_recipe
from maskwise.records import PhotoTable
from maskwise.store.predictions_file import read_predictions
from support.fold_jobs import fold_job

WORN, INCORRECT, NOT_WORN = range(3)


def recipe_for(workplace: Workplace, *changes: str) -> Recipe:
    return parse_recipe(
        workplace.recipe.read_text(), "tiny", ("data.draw_masks={copies: 3, incorrect_share: 0.4}", *changes)
    )


@pytest.fixture(scope="module")
def drawn(workplace: Workplace) -> tuple[Recipe, PhotoTable, PhotoSet]:
    """(recipe, all labeled photos, those drawn)."""
    recipe = recipe_for(workplace)
    table = read_train(workplace.data, recipe.task).table
    photos = draw_on_bare(recipe, table, workplace.data, workplace.cache, PlainLines())
    assert photos is not None
    return recipe, table, photos


def test_every_unmasked_photo_gives_its_copies(drawn: tuple[Recipe, PhotoTable, PhotoSet]) -> None:
    _, table, photos = drawn
    bare = table.take(table.mask_N == NOT_WORN)
    usable = len(photos.table) // 3
    assert len(photos.table) == 3 * usable
    assert 0.8 * len(bare) <= usable <= len(bare)
    sources = [name.rpartition("#")[0] for name in photos.table.photo_N]
    assert set(sources) <= set(bare.photo_N)
    row_of = {photo: row for row, photo in enumerate(bare.photo_N)}
    origin = bare.take(np.array([row_of[source] for source in sources]))
    for column in ("person_N", "gender_N", "age_years_N"):
        assert np.array_equal(getattr(origin, column), getattr(photos.table, column)), column


def test_the_label_is_the_mask_that_was_drawn(drawn: tuple[Recipe, PhotoTable, PhotoSet]) -> None:
    recipe, _, photos = drawn
    assert set(photos.table.mask_N.tolist()) == {WORN, INCORRECT}
    assert 0.15 < np.mean(photos.table.mask_N == INCORRECT) < 0.65
    codes = recipe.task.codes(photos.table.class_N)
    assert np.array_equal(codes["mask"], photos.table.mask_N)
    assert np.array_equal(codes["gender"], photos.table.gender_N)
    assert MASK_CLASSES[WORN] == "worn"


def test_worn_right_hides_more_of_the_photo(drawn: tuple[Recipe, PhotoTable, PhotoSet], workplace: Workplace) -> None:
    _, _, photos = drawn
    pixels = photos.read(np.arange(len(photos.table))).astype(int)
    assert pixels.shape[1:] == (32, 24, 3)
    by_source: dict[str, list[int]] = {}
    for row, name in enumerate(photos.table.photo_N):
        by_source.setdefault(name.rpartition("#")[0], []).append(row)
    for rows in by_source.values():
        assert len(rows) == 3
        assert len({pixels[row].tobytes() for row in rows}) == 3
        # Copies differ in the lower face alone: the forehead is the same.
        assert np.array_equal(pixels[rows[0]][:8], pixels[rows[1]][:8])
    # Any order of positions is read rightly.
    some = np.array([5, 0, 5, 2])
    assert np.array_equal(photos.read(some), pixels[some])


def test_the_same_settings_give_the_same_photos_whatever_is_in_the_cache(
    drawn: tuple[Recipe, PhotoTable, PhotoSet], workplace: Workplace, tmp_path: Path
) -> None:
    recipe, table, photos = drawn
    few = table.take(np.flatnonzero(table.mask_N == NOT_WORN)[:3])
    again = draw_on_bare(recipe, few, workplace.data, tmp_path, PlainLines())
    other = draw_on_bare(recipe_for(workplace, "data.draw_masks.seed=1"), few, workplace.data, tmp_path, PlainLines())
    assert again is not None
    assert other is not None
    rows = np.flatnonzero(np.isin(photos.table.photo_N.astype(str), again.table.photo_N.astype(str)))
    assert np.array_equal(again.table.mask_N, photos.table.mask_N[rows])
    assert np.array_equal(again.read(np.arange(len(again.table))), photos.read(rows))
    assert not np.array_equal(other.read(np.arange(3)), again.read(np.arange(3)))


def test_held_out_people_get_none(drawn: tuple[Recipe, PhotoTable, PhotoSet]) -> None:
    recipe, table, photos = drawn
    held_out = np.isin(table.person_N.astype(str), sorted(set(table.person_N))[:7])
    labeled = PhotoSet(table, lambda index: np.zeros((len(index), 32, 24, 3), np.uint8), drawn=photos)
    people = assign_people(fold_job(recipe, labeled, held_out))
    scored = set(people.held_out.table.person_N)
    added = [name for name in people.training.table.photo_N if "#" in name]
    assert len(people.held_out.table) == held_out.sum()
    assert not any("#" in name for name in people.held_out.table.photo_N)
    assert len(people.training.table) == (~held_out).sum() + len(added)
    assert 0 < len(added) < len(photos.table)
    assert not scored & set(people.training.table.person_N)
    last = len(people.training.table) - 1
    row = photos.table.photo_N.tolist().index(people.training.table.photo_N[last])
    assert np.array_equal(people.training.read(np.array([0, last]))[1], photos.read(np.array([row]))[0])


def test_people_left_out_of_training_give_none(
    workplace: Workplace, drawn: tuple[Recipe, PhotoTable, PhotoSet]
) -> None:
    _, table, photos = drawn
    recipe = recipe_for(workplace, "data.drop_ages_years=[[40, 120]]")
    labeled = PhotoSet(table, lambda index: np.zeros((len(index), 32, 24, 3), np.uint8), drawn=photos)
    people = assign_people(fold_job(recipe, labeled, np.zeros(len(table), dtype=np.bool_)))
    assert people.training.table.age_years_N.max() < 40
    assert any("#" in name for name in people.training.table.photo_N)


def test_a_photo_without_a_face_is_left_out(workplace: Workplace) -> None:
    recipe = recipe_for(workplace)
    done, wall = cv2.imencode(".png", np.full((60, 40, 3), 90, np.uint8))
    assert done
    stack = stack_reader(DrawMasks(copies=2), input_spec(recipe))(bytes(wall), "wall")
    assert stack.shape == (64, 24, 3)
    assert not stack.any()


def test_a_set_without_unmasked_photos_is_refused(workplace: Workplace, tmp_path: Path) -> None:
    recipe = recipe_for(workplace)
    table = read_train(workplace.data, recipe.task).table
    masked = table.take(table.mask_N != NOT_WORN)
    with pytest.raises(DataError, match=r"data\.draw_masks must .* unmasked photos"):
        draw_on_bare(recipe, masked, workplace.data, tmp_path, PlainLines())


def test_unset_it_changes_nothing(workplace: Workplace, tmp_path: Path) -> None:
    recipe = load_recipe("quick-imagenet")
    assert recipe.data.draw_masks is None
    table = read_train(workplace.data, recipe.task).table
    assert draw_on_bare(recipe, table, workplace.data, tmp_path, PlainLines()) is None
    ids = {
        run_id(load_recipe("quick-imagenet", [change]), "d")
        for change in ("data.draw_masks={}", "data.draw_masks.copies=3")
    }
    assert len(ids | {run_id(recipe, "d")}) == 3


def test_it_contradicts_a_choice_by_mask(workplace: Workplace) -> None:
    with pytest.raises(RecipeError, match=r"data\.only must .* mask beside draw_masks, got"):
        load_recipe("quick-imagenet", ["data.draw_masks={}", "data.only={mask: not_worn}"])
    kept = load_recipe("quick-imagenet", ["data.draw_masks={}", "data.only={gender: male}"])
    assert kept.data.draw_masks == DrawMasks()


def test_a_run_trains_on_them_and_is_scored_on_the_photos_there_are(
    workplace: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    place = dataclasses.replace(workplace, store=tmp_path / "runs")
    cli(*place.train("--quiet", "--set", "data.draw_masks={copies: 2}", "--set", "train.epochs=1"))
    (folder,) = [entry for entry in place.store.iterdir() if entry.is_dir()]
    predictions, _ = read_predictions(folder / "predictions.parquet")
    assert not any("#" in photo for photo in predictions.photo_N)
