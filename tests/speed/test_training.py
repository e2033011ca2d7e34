"""The benchmark of training times what it says: the whole loop, the bare step and a plain loop, in photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.errors import RecipeError
from maskwise.fitting import choose_precision as choose_speed
from maskwise.fitting.choose_precision import Timing, Way
from maskwise.recipe.load import load_recipe
from maskwise.speed.training import bench_training, our_blocks, profile_training


def test_our_loop_and_our_step_train_and_keep_nothing(workplace: Workplace, tmp_path: Path) -> None:
    recipe = load_recipe(str(workplace.recipe))
    before = sorted(path.name for path in Path.cwd().iterdir())
    loop, step = our_blocks(recipe, workplace.data, tmp_path)
    assert loop(0.01) > 0
    assert loop(0.3) > 0  # goes on where the block before stopped, also over the end of an epoch
    assert step(0.01) > 0
    assert sorted(path.name for path in Path.cwd().iterdir()) == before


def test_the_profile_names_what_a_training_computes(workplace: Workplace, tmp_path: Path) -> None:
    table = profile_training(load_recipe(str(workplace.recipe)), workplace.data, tmp_path, 0.3)
    assert "Self CPU %" in table
    assert "convolution" in table


@pytest.mark.parametrize(
    "changes",
    [
        ["train.freeze_backbone_epochs=3", "train.cached_views=2"],
        ["parts=[{attributes: [mask]}, {attributes: [gender, age]}]"],
    ],
)
def test_recipes_without_one_loop_are_refused(workplace: Workplace, tmp_path: Path, changes: list[str]) -> None:
    recipe = load_recipe(str(workplace.recipe), changes)
    with pytest.raises(RecipeError, match="recipe of bench train must be of one model"):
        bench_training(recipe, workplace.data, tmp_path, 1.0, 1)


def test_auto_is_settled_before_anything_is_timed(
    workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = Way("bf16", "channels_last", "eager")
    monkeypatch.setattr(choose_speed, "time_way", lambda _, way: Timing(way, 0.1 if way == best else 1.0))
    recipe = load_recipe(str(workplace.recipe), ["train.precision=auto", "runtime.workers=0"])
    found = bench_training(recipe, workplace.data, tmp_path, 1.0, 1)
    assert found.way == str(best)
    assert min(found.loop, found.step, found.plain) > 0
