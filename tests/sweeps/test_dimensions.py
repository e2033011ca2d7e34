"""Spaces: what they name, what a proposal changes, and grids counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from maskwise.errors import RecipeError
from maskwise.sweeps.dimensions import Label, RandomPick, changes_of, draw, grid_points, members
from support.sweeps import sweep_of

OPTIMIZERS = (
    "{train.batch_size: [16, 32], train.optimizer: ["
    "{kind: adamw, weight_decay: 0.1},"
    "{kind: sgd, rate: {kind: float, low: 0.01, high: 0.03, step: 0.01},"
    " momentum: {kind: float, low: 0, high: 0.9, step: 0.9}}"
    "]}"
)


def test_a_proposal_becomes_changes() -> None:
    dimensions = sweep_of(OPTIMIZERS).dimensions
    params: dict[str, Label] = {
        "train.batch_size": 32,
        "train.optimizer": "sgd",
        "train.optimizer[sgd].rate": 0.02,
        "train.optimizer[sgd].momentum": 0.9,
    }
    assert changes_of(dimensions, params) == [
        "train.batch_size=32",
        'train.optimizer={"kind": "sgd", "rate": 0.02, "momentum": 0.9}',
    ]
    recipe = sweep_of(OPTIMIZERS).recipe(params, "made-up-7")
    assert (recipe.name, recipe.train.batch_size, recipe.train.optimizer.rate) == ("made-up-7", 32, 0.02)


def test_ranges_of_a_value_that_was_not_chosen_are_not_drawn() -> None:
    dimensions = sweep_of(OPTIMIZERS).dimensions
    drawn = [draw(dimensions, RandomPick(np.random.default_rng(seed))) for seed in range(20)]
    for params in drawn:
        assert ("train.optimizer[sgd].rate" in params) == (params["train.optimizer"] == "sgd")
    assert {params["train.optimizer"] for params in drawn} == {"adamw", "sgd"}


def test_a_grid_has_every_combination_once() -> None:
    points = grid_points(sweep_of(OPTIMIZERS, sampler="{kind: grid}").dimensions)
    # 2 sizes × (adamw + 3 rates × 2 momenta).
    assert len(points) == 2 * (1 + 3 * 2)
    assert len({tuple(sorted(point.items(), key=str)) for point in points}) == len(points)
    rates = [point["train.optimizer[sgd].rate"] for point in points if "train.optimizer[sgd].rate" in point]
    assert set(rates) == {0.01, 0.02, 0.03}


def test_members_are_the_values_and_the_ends_of_ranges() -> None:
    sizes, optimizers = sweep_of(OPTIMIZERS).dimensions
    assert list(members(sizes)) == [{"train.batch_size": 16}, {"train.batch_size": 32}]
    assert len(list(members(optimizers))) == 1 + 4


@pytest.mark.parametrize(
    ("search", "labels"),
    [
        ("{augment: [[], [{kind: flip}], [{kind: flip}, {kind: affine}]]}", ["none", "flip", "flip + affine"]),
        ("{train.clip_norm: [null, 1.0]}", [None, 1.0]),
        (
            "{loss: [{kind: focal, gamma: 1.0}, {kind: focal, gamma: 2.0}]}",
            ['{"kind": "focal", "gamma": 1.0}', '{"kind": "focal", "gamma": 2.0}'],
        ),
    ],
)
def test_values_are_called_by_their_kinds_where_that_tells_them_apart(search: str, labels: list[object]) -> None:
    (dimension,) = sweep_of(search).dimensions
    assert [next(iter(member.values())) for member in members(dimension)] == labels


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("{train.batch_size: 16}", "search.train.batch_size must be a list of values or a range"),
        ("{train.batch_size: [16]}", "search.train.batch_size must have two values or more"),
        ("{train.batch_size: [16, 16]}", "search.train.batch_size must be a list of different values"),
        ("{train.optimizer.rate: {kind: float, low: 2, high: 1}}", "low must be below high (1.0), got 2.0"),
        ("{train.optimizer.rate: {kind: float, low: 0, high: 1, log: true}}", "low must be above 0 with log"),
        ("{train.epochs: {kind: int, low: 2, high: 9, log: true, step: 2}}", "step must be left out with log"),
        ("{train.epochs: {kind: int, low: 2, high: 3, step: 2}}", "step must be at most high - low (1)"),
        ("{train.epochs: {kind: int, low: 2, hihg: 3}}", "hihg must be a known setting of the kind int"),
        ("{train.optimizer.rate: [{kind: float, low: 0.1, high: 1}, 3]}", "got a range within the list"),
        (
            "{loss: [{kind: focal}, {kind: f1}], loss.gamma: [1.0, 2.0]}",
            "search.loss.gamma must not lie within search.loss",
        ),
        ("{train.epochs: [2, 3]}", "changes.train.epochs would have no effect"),
    ],
)
def test_what_is_no_dimension_is_refused(search: str, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        sweep_of(search)
    assert any(said in line for line in refused.value.problems), refused.value.problems


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("{train.optimizer.rate: {kind: float, low: 0.1, high: 1}}", "a range with a step, for a grid"),
        ("{seed: {kind: int, low: 1, high: 1001}}", "at most 1,000 combinations, got '1,001'"),
    ],
)
def test_what_makes_no_grid_is_refused(search: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        grid_points(sweep_of(search).dimensions)
