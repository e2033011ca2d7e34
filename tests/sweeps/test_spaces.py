"""Loading and checking spaces; and all that come with maskwise: every proposal of theirs is a legal recipe."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import RecipeError
from maskwise.sweeps.check_space import check_space, refusal
from maskwise.sweeps.dimensions import RandomPick, draw
from maskwise.sweeps.load_space import load_sweep, parse_space, shipped_space_text, shipped_spaces, space_summary
from support.sweeps import space, sweep_of

RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.1, log: true}}"


def problems_of(search: str, **settings: str) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as refused:
        check_space(sweep_of(search, **settings))
    return refused.value.problems


# --- the shipped ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [None, "claims"])
@pytest.mark.parametrize("name", shipped_spaces())
def test_every_shipped_space_makes_legal_recipes(name: str, base: str | None) -> None:
    sweep = load_sweep(name, base, ["input.height_px=48", "input.width_px=40"])
    assert check_space(sweep) is None
    assert sweep.space.name == name
    assert sweep.base.input.height_px == 48
    rng = np.random.default_rng(3)
    recipes = [sweep.recipe(draw(sweep.dimensions, RandomPick(rng)), "x") for _ in range(10)]
    assert len({recipe.model_dump_json() for recipe in recipes}) > 2


def test_the_sweep_of_smoothing_reaches_the_write_ups_range() -> None:
    sweep = load_sweep("label-smoothing", None, [])
    pick = RandomPick(np.random.default_rng(0))
    tried = [sweep.recipe(draw(sweep.dimensions, pick), "x").targets for _ in range(400)]
    taken = [target.epsilon for targets in tried for target in targets if target.kind == "label_smoothing"]
    assert 0.5 < max(taken) <= 0.6


@pytest.mark.parametrize("name", shipped_spaces())
def test_every_shipped_space_says_its_command_and_what_it_is_for(name: str) -> None:
    assert shipped_space_text(name).splitlines()[0] == f"# maskwise sweep {name} --data DIR"
    assert 20 < len(space_summary(name)) < 140


def test_the_spaces_that_were_promised_are_there() -> None:
    assert set(shipped_spaces()) >= {"batch-size", "optimizer", "augmentation", "loss-ratio", "label-smoothing"}


# --- loading -------------------------------------------------------------------------------------------------------


def test_a_space_file_finds_its_base_beside_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nsplit: {kind: hold_out}\nmodel: {backbone: {kind: baseline_cnn}, weights: {kind: none}}\n"
    )
    (tmp_path / "space.yaml").write_text(f"name: s\nbase: mine.yaml\nsearch: {RATES}\n")
    assert load_sweep(str(tmp_path / "space.yaml"), None, []).base.name == "mine"
    assert load_sweep(str(tmp_path / "space.yaml"), "quick-imagenet", ["seed=4"]).base.seed == 4


def test_the_study_is_named_by_what_decides_it() -> None:
    first = sweep_of(RATES)
    assert first.study_name("data") == sweep_of(RATES, runs="99").study_name("data")
    others = [sweep_of(RATES, seed="1"), sweep_of(RATES, sampler="{kind: random}"), sweep_of(RATES, base="claims")]
    names = {first.study_name("data"), first.study_name("other"), *(each.study_name("data") for each in others)}
    assert len(names) == 5
    assert all(name.startswith("made-up-") for name in names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "must be settings"),
        ("name: a\nbase: quick", "search must be given"),
        (space(RATES, sampler="{kind: gird}"), "sampler.kind must be a known kind, got 'gird'. Did you mean 'grid'?"),
        (space(RATES, run="3"), "run must be a known setting"),
        (space(RATES, pruning="{kind: halving, reduction: 1}"), "pruning.reduction must be greater than or equal to 2"),
    ],
)
def test_a_space_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        parse_space(text, "s.yaml")
    assert said in refused.value.problems[0]


def test_a_change_of_what_is_searched_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"--set train.batch_size .* the space sets"):
        load_sweep("batch-size", None, ["train.batch_size=4"])
    with pytest.raises(RecipeError, match=r"--set train.optimizer.kind would have no effect"):
        load_sweep("optimizer", None, ["train.optimizer.kind=sgd"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"changes": "{split: {kind: everyone}}"}, "split.kind must be hold_out or k_fold for a sweep"),
        (
            {"changes": "{}", "pruning": "{kind: median}"},
            "train.checkpoint.kind must be inner_hold_out with pruning median",
        ),
        ({"base": "separate", "changes": "{}", "pruning": "{kind: median}"}, "pruning.kind must be none with parts"),
    ],
)
def test_a_base_that_cannot_be_swept_is_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        sweep_of(RATES, **settings)
    assert said in refused.value.problems[0]


# --- checking ------------------------------------------------------------------------------------------------------


def test_an_unknown_address_is_reported_once_with_the_nearest() -> None:
    (line,) = problems_of("{train.batch_sze: [8, 16], train.optimizer.rate: [0.1, 0.2]}")
    assert "train.batch_sze must be a known setting" in line
    assert "Did you mean 'batch_size'?" in line


def test_a_value_outside_of_the_legal_is_reported() -> None:
    momenta = "{kind: float, low: 0.5, high: 1.5}"
    search = f"{{train.batch_size: [1, 16], train.optimizer: [{{kind: adam}}, {{kind: sgd, momentum: {momenta}}}]}}"
    lines = problems_of(search)
    assert ["batch_size must be greater" in lines[0], "momentum must be less than 1, got 1.5" in lines[1]] == [
        True,
        True,
    ]
    assert len(lines) == 2


def test_a_value_that_goes_with_nothing_is_reported() -> None:
    (line,) = problems_of("{loss: [{kind: cross_entropy}, {kind: arcface}], train.batch_size: [8, 16]}")
    assert re.search("head.kind must be cosine .*loss.kind arcface", line)


def test_a_value_that_goes_with_some_is_left_to_chance() -> None:
    sweep = sweep_of("{loss: [{kind: cross_entropy}, {kind: arcface}], model.head: [{kind: joint}, {kind: cosine}]}")
    caution = check_space(sweep)
    assert caution is not None
    assert "are refused and will be skipped" in caution
    assert refusal(sweep, {"loss": "arcface", "model.head": "cosine"}) == ()
    assert refusal(sweep, {"loss": "arcface", "model.head": "joint"})


def test_a_grid_is_checked_whole() -> None:
    search = "{loss: [{kind: cross_entropy}, {kind: arcface}], model.head: [{kind: joint}, {kind: cosine}]}"
    assert "about 25% of the combinations" in str(check_space(sweep_of(search, sampler="{kind: grid}")))
