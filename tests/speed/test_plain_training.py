"""The plain loop trains on whole batches, and lives only as long as it is used."""

from __future__ import annotations

import multiprocessing

import pytest

from conftest import Workplace
from maskwise.errors import UserError
from maskwise.recipe.load import load_recipe
from maskwise.speed.plain_training import plain_loop, plain_step


def test_the_plain_loop_takes_whole_batches(workplace: Workplace) -> None:
    recipe = load_recipe(str(workplace.recipe), ["runtime.workers=0"])
    step = plain_step(recipe, workplace.data)
    assert [step(), step()] == [16, 16]


def test_its_process_answers_and_ends_with_the_context(workplace: Workplace) -> None:
    recipe = load_recipe(str(workplace.recipe), ["runtime.workers=0"])
    with plain_loop(recipe, workplace.data) as block:
        assert block(0.01) > 0
        assert len(multiprocessing.active_children()) == 1
    assert multiprocessing.active_children() == []


def test_a_process_that_died_is_reported(workplace: Workplace) -> None:
    recipe = load_recipe(str(workplace.recipe), ["runtime.workers=0"])
    with plain_loop(recipe, workplace.data) as block:
        multiprocessing.active_children()[0].kill()
        with pytest.raises(UserError, match="the plain loop must answer"):
            block(0.01)
