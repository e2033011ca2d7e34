"""Who trains, who chooses the epoch and who is scored in a fold."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from conftest import TINY_RECIPE
from maskwise.fitting.fold_job import FoldJob, assign_people
from maskwise.fitting.photo_set import PhotoSet
from maskwise.labels import PhotoGroup
from maskwise.listeners import Silent
from maskwise.recipe.load import parse_recipe
from maskwise.recipe.single_recipes import SingleRecipe
from maskwise.records import Image, Ints
from support.tables import people_table

N_PEOPLE, HELD_OUT = 60, 12
PHOTOS_OF_A_PERSON = 7


def job(*changes: str, trains_on: PhotoGroup | None = None) -> FoldJob:
    """People with seven photos each, of whom the first are held out; two channels hold the photo's number."""
    table = people_table(N_PEOPLE, np.random.default_rng(0))

    def read(index_M: Ints) -> Image:
        channels = np.stack([index_M % 256, index_M // 256, 0 * index_M], axis=1)
        return channels.astype(np.uint8)[:, None, None, :]

    model = SingleRecipe("", parse_recipe(TINY_RECIPE, "tiny", changes), trains_on)
    held_out_N = np.isin(table.person_N, list(dict.fromkeys(table.person_N))[:HELD_OUT])
    return FoldJob(model, PhotoSet(table, read), held_out_N, 0, Path("unused"), Silent())


def people_of(photos: PhotoSet) -> set[str]:
    return set(photos.table.person_N.tolist())


@pytest.mark.parametrize("kind", ["last", "scored_people", "{kind: inner_hold_out, share: 0.25}"])
def test_held_out_people_never_train(kind: str) -> None:
    """Of the others all train, but for the validation people; those share no one with them."""
    change = f"train.checkpoint={kind}" if kind.startswith("{") else f"train.checkpoint.kind={kind}"
    people = assign_people(job(change))
    training, held_out = people_of(people.training), people_of(people.held_out)
    assert len(held_out) == HELD_OUT
    assert not training & held_out
    match kind:
        case "last":
            assert people.validation is None
            assert len(training) == N_PEOPLE - HELD_OUT
        case "scored_people":
            assert people.validation is people.held_out
        case _:
            assert people.validation is not None
            validation = people_of(people.validation)
            assert len(validation) == (N_PEOPLE - HELD_OUT) // 4
            assert not validation & (training | held_out)
            assert len(training | validation) == N_PEOPLE - HELD_OUT


def test_pixels_go_with_their_photos() -> None:
    folded = job("train.checkpoint.kind=last")
    people = assign_people(folded)
    low_N, high_N, _ = people.training.read(np.arange(len(people.training.table)))[:, 0, 0].T.astype(int)
    assert folded.photos.table.photo_N[low_N + 256 * high_N].tolist() == people.training.table.photo_N.tolist()


def test_only_the_photos_that_a_part_is_for_train_it() -> None:
    """Validation and held-out people keep all of their photos."""
    all_photos = assign_people(job("train.checkpoint.kind=scored_people"))
    worn = assign_people(job("train.checkpoint.kind=scored_people", trains_on=PhotoGroup(mask="worn")))
    is_worn = all_photos.training.table.mask_N == 0
    assert worn.training.table.photo_N.tolist() == all_photos.training.table.photo_N[is_worn].tolist()
    assert len(worn.held_out.table) == HELD_OUT * PHOTOS_OF_A_PERSON
    assert worn.validation is worn.held_out


def test_ages_that_are_left_out_are_scored_all_the_same() -> None:
    people = assign_people(job("data.drop_ages_years=[[40, 120]]", "train.checkpoint.kind=last"))
    assert people.training.table.age_years_N.max() < 40
    assert len(people.held_out.table) == HELD_OUT * PHOTOS_OF_A_PERSON


def test_training_on_other_photos_changes_nothing_else() -> None:
    people = assign_people(job("train.checkpoint.kind=scored_people"))
    one = people.training.take(np.arange(1))
    assert people.train_on(one) == dataclasses.replace(people, training=one)
