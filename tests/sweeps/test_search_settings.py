"""Searches: their lists, their plans, what is trained, and the table by numbers made by hand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from conftest import Workplace
from maskwise.augment.config import AugmentConfig, MixingConfig
from maskwise.errors import DivergedError, RecipeError, UserError
from maskwise.evaluation.evaluate import evaluate
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe, parse_recipe
from maskwise.recipe.optimizer_config import OptimizerConfig
from maskwise.records import Predictions
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import StoredRun, list_runs, read_record
from maskwise.store.write_runs import finish_run, start_run
from maskwise.sweeps import search_settings
from maskwise.sweeps.format_search import format_plan, format_search
from maskwise.sweeps.search_lists import (
    BATCH_SIZES,
    PlannedArm,
    SearchPlan,
    augmentations_to_try,
    batch_sizes_to_try,
    chosen_alternatives,
    optimizers_to_try,
    plan_search,
)
from maskwise.sweeps.search_settings import TrainedArm, score_search, train_alternatives
from maskwise.workflows.run_recipe import Place

QUICK = load_recipe("quick-imagenet")
PLAIN = load_recipe("baseline")
"""Without augmentation, mixing, auxiliary term or average of weights."""


def kinds_of(union: Any) -> set[str]:
    return {member.model_fields["kind"].default for member in get_args(get_args(union)[0])}


# --- the lists -----------------------------------------------------------------------------------------------------


def test_every_augmentation_is_added_or_left_out() -> None:
    found = augmentations_to_try(QUICK)
    assert {each.word for each in found} == kinds_of(AugmentConfig) | kinds_of(MixingConfig) - {"none"}
    assert {each.what for each in found if each.what.startswith("without")} == {
        f"without {kind}" for kind in ("flip", "affine", "brightness", "erasing")
    }
    recipe = load_recipe("quick-imagenet", ["augment=[{kind: flip, p: 0.25}, {kind: noise}]"])
    changes = {each.what: each.changes for each in augmentations_to_try(recipe)}
    assert changes["without noise"] == ('augment=[{"kind": "flip", "p": 0.25}]',)
    assert changes["with affine"] == ('augment=[{"kind": "flip", "p": 0.25}, {"kind": "noise"}, {"kind": "affine"}]',)


def test_a_mixing_is_left_out_or_replaced() -> None:
    recipe = load_recipe("baseline", ["mixing.kind=cutmix"])
    changes = {each.what: each.changes for each in augmentations_to_try(recipe)}
    assert changes["without cutmix"] == ("mixing.kind=none",)
    assert changes["with mixup for cutmix"] == ("mixing.kind=mixup",)
    assert "with mixup" in {each.what for each in augmentations_to_try(PLAIN)}


def test_every_optimizer_is_tried_at_three_rates_around_its_default() -> None:
    found = optimizers_to_try(QUICK)
    assert {each.word for each in found} == kinds_of(OptimizerConfig)
    sgd = [each.changes for each in found if each.word == "sgd"]
    assert sgd == [("train.optimizer.kind=sgd", f"train.optimizer.rate={rate}") for rate in (0.003, 0.01, 0.03)]
    slower = load_recipe("quick-imagenet", ["train.optimizer.rate=0.0002"])
    own = [each.what for each in optimizers_to_try(slower) if each.word == "adamw"]
    assert own == ["adamw at 6e-05", "adamw at 0.0002", "adamw at 0.0006"]


def test_the_recipes_own_optimizer_keeps_its_other_settings() -> None:
    plan = plan_search(QUICK, optimizers_to_try(QUICK), 1, by_name=False)
    optimizers = {arm.what: arm.recipes[0].train.optimizer for arm in plan.alternatives}
    assert "adamw at 0.001" not in optimizers  # that is the recipe itself
    assert optimizers["adamw at 0.003"] == QUICK.train.optimizer.model_copy(update={"rate": 0.003})
    assert len(optimizers) == 3 * len(kinds_of(OptimizerConfig)) - 1


@pytest.mark.parametrize(
    ("recipe", "scaling", "changes"),
    [
        # Four times 32 photos: adam takes √4 times the rate, and 0.99⁴ keeps the average's reach.
        (QUICK, None, ("train.batch_size=128", "train.optimizer.rate=0.002", "train.ema_decay=0.960596")),
        (QUICK, "linear", ("train.batch_size=128", "train.optimizer.rate=0.004", "train.ema_decay=0.960596")),
        (QUICK, "none", ("train.batch_size=128",)),
        # Twice 64 photos: sgd takes twice the rate.
        (PLAIN, None, ("train.batch_size=128", "train.optimizer.rate=0.002")),
        (PLAIN, "sqrt", ("train.batch_size=128", "train.optimizer.rate=0.00141")),
    ],
)
def test_the_rate_follows_the_batch_size(recipe: Recipe, scaling: Any, changes: tuple[str, ...]) -> None:
    (alternative,) = batch_sizes_to_try(recipe, [128, 128], scaling)
    assert alternative.changes == changes
    assert plan_search(recipe, [alternative], 1, by_name=True).alternatives[0].recipes[0].train.batch_size == 128


def test_a_rate_that_is_not_scaled_keeps_all_its_digits() -> None:
    recipe = load_recipe("quick-imagenet", ["train.optimizer.rate=0.00123456"])
    assert all(len(each.changes) == 1 for each in batch_sizes_to_try(recipe, BATCH_SIZES, "none"))


# --- the plan ------------------------------------------------------------------------------------------------------


def test_every_alternative_differs_from_the_recipe_in_its_own_setting_alone() -> None:
    for found, setting in (
        (augmentations_to_try(PLAIN), {"augment", "mixing"}),
        (optimizers_to_try(PLAIN), {"train"}),
        (batch_sizes_to_try(PLAIN, BATCH_SIZES, None), {"train"}),
    ):
        plan = plan_search(PLAIN, found, 2, by_name=False)
        names = [arm.recipes[0].name for arm in plan.alternatives]
        assert len(set(names)) == len(names) >= 3
        for arm in plan.alternatives:
            assert [recipe.seed for recipe in arm.recipes] == [PLAIN.seed, PLAIN.seed + 1]
            one, two = PLAIN.model_dump(), arm.recipes[0].model_dump()
            assert len({name for name in one if one[name] != two[name]} - {"name"}) == 1
            assert {name for name in one if one[name] != two[name]} <= {"name", *setting}
    assert plan.reference.recipes[0] == PLAIN


def test_what_the_recipe_does_not_allow_is_left_out_and_reported_or_refused_where_it_was_requested() -> None:
    cached = load_recipe("quick-imagenet", ["train.freeze_backbone_epochs=3", "train.cached_views=2"])
    found = augmentations_to_try(cached)
    plan = plan_search(cached, found, 1, by_name=False)
    assert [line.split(":")[0] for line in plan.left_out] == ["with mixup", "with cutmix", "with half_cutmix"]
    assert (
        format_plan(plan)[0] == f"{len(found) - 3} alternatives to quick-imagenet, 1 seed: {len(found) - 2} trainings"
    )
    assert format_plan(plan)[1].startswith("left out: with mixup: mixing.kind must ")
    assert "train.cached_views" in format_plan(plan)[1]
    with pytest.raises(RecipeError, match=r"with cutmix: mixing\.kind must be none"):
        plan_search(cached, chosen_alternatives(found, ["flip", "cutmix"]), 1, by_name=True)


def test_alternatives_have_names_that_a_run_can_have() -> None:
    recipe = load_recipe("quick-imagenet", [f"name={'x' * 64}", "train.optimizer.rate=3e8"])
    plan = plan_search(recipe, batch_sizes_to_try(recipe, [128], "linear"), 1, by_name=True)
    assert plan.alternatives[0].what == "128 photos at 1.2e+09"
    assert plan.alternatives[0].recipes[0].name == f"{'x' * 42}-128-photos-at-1.2e-09"


def test_senseless_searches_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"'flop'. Did you mean 'flip'\?"):
        chosen_alternatives(augmentations_to_try(QUICK), ["flop"])
    with pytest.raises(RecipeError, match="got the recipe alone"):
        plan_search(QUICK, batch_sizes_to_try(QUICK, [32], None), 1, by_name=True)
    everyone = load_recipe("quick-imagenet", ["split.kind=everyone"])
    with pytest.raises(RecipeError, match="hold_out or k_fold for a search"):
        plan_search(everyone, optimizers_to_try(everyone), 1, by_name=False)


# --- training ------------------------------------------------------------------------------------------------------


def plan_of(seeds: int, *what: str) -> SearchPlan:
    """A plan of the tiny recipe's names and seeds; nothing else of it is looked at."""
    arms = [
        PlannedArm(word, (f"train.batch_size={k}",), tuple(named(word, seed) for seed in range(seeds)))
        for k, word in enumerate(("as it is", *what))
    ]
    return SearchPlan(arms[0], tuple(arms[1:]), ())


def named(name: str, seed: int) -> Recipe:
    return PLAIN.model_copy(update={"name": name.replace(" ", "-"), "seed": seed})


def test_all_arms_of_a_seed_come_before_the_next_and_a_diverged_one_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[tuple[str, int]] = []

    def train(recipe: Recipe, *_: object) -> StoredRun:
        trained.append((recipe.name, recipe.seed))
        if recipe.name == "bad":
            raise DivergedError("the loss must be finite, got nan.")
        return StoredRun(Path(recipe.name), run_record(recipe.name, recipe.seed))

    monkeypatch.setattr(search_settings, "refuse_series", lambda *_: None)
    monkeypatch.setattr(search_settings, "train_or_read", train)
    place = Place(Path("data"), Path("runs"), Path("cache"))
    arms = train_alternatives(plan_of(2, "bad", "good"), place, (), Silent())
    assert trained == [("as-it-is", 0), ("bad", 0), ("good", 0), ("as-it-is", 1), ("good", 1)]
    assert [(arm.planned.what, len(arm.runs), arm.failure) for arm in arms] == [
        ("as it is", 2, None),
        ("bad", 0, "the loss must be finite, got nan."),
        ("good", 2, None),
    ]
    with pytest.raises(DivergedError):
        train_alternatives(
            dataclasses.replace(plan_of(1, "good"), reference=plan_of(1, "bad").alternatives[0]), place, (), Silent()
        )


# --- scores and table ----------------------------------------------------------------------------------------------

TASK = Task(attributes=("mask",))


def run_record(name: str, seed: int, **fields: Any) -> RunRecord:
    return RunRecord(
        run_id=hashlib.sha256(f"{name} {seed}".encode()).hexdigest()[:16],
        name=name,
        created_utc="2025-01-31T12:00:00+00:00",
        recipe={},
        seed=seed,
        data=RunData("faces", "c0ffee", 6, 6),
        versions={},
        command=("maskwise", "search"),
        folds=0,
        **fields,
    )


def stored(store: Path, name: str, seed: int, right: Sequence[bool], seconds: float = 60.0) -> StoredRun:
    """A finished run over photos of classes 0, 1, 2, 0 …, each of its own person, right as given."""
    class_N = np.arange(len(right)) % 3
    probs_NC = np.full((len(right), 3), 0.1, dtype=np.float32)
    probs_NC[np.arange(len(right)), np.where(right, class_N, (class_N + 1) % 3)] = 0.8
    names_N = np.array([f"{k}.jpg" for k in range(len(right))], object)
    held_out_N = np.full(len(right), "held_out", object)
    predictions = Predictions(names_N, names_N, class_N, probs_NC, held_out_N)
    record = run_record(name, seed)
    folder = start_run(store, record)
    scores = evaluate(predictions, TASK, np.random.default_rng(0), resamples=50)
    finish_run(folder, record, scores, predictions, TASK, seconds=seconds, needed=())
    return StoredRun(folder, read_record(folder))


def trained(store: Path, planned: PlannedArm, right: Sequence[Sequence[bool]]) -> TrainedArm:
    runs = [stored(store, planned.what, seed, each, 30.0 * (seed + 1)) for seed, each in enumerate(right)]
    return TrainedArm(planned, tuple(runs))


def test_alternatives_are_ranked_by_their_paired_difference(tmp_path: Path) -> None:
    plan = plan_of(2, "better", "worse", "bad")
    half, all_right, none = [True] * 3 + [False] * 3, [True] * 6, [False] * 6
    arms = [
        trained(tmp_path, plan.reference, [half, all_right]),
        trained(tmp_path, plan.alternatives[0], [all_right, all_right]),
        trained(tmp_path, plan.alternatives[1], [none, all_right]),
        TrainedArm(plan.alternatives[2], (), "the loss must be finite, got nan."),
    ]
    found = score_search(plan, arms)
    assert (found.data_name, found.n_photos, found.n_people) == ("faces", 6, 6)
    assert [row.arm.planned.what for row in found.rows] == ["better", "as it is", "worse"]
    # Half right: each class is read rightly once and wrongly once, so all F1 are 1/2. None right: 0.
    assert [row.macro_f1.value for row in found.rows] == pytest.approx([1.0, 0.75, 0.5])
    gains = [None if row.gain is None else row.gain.value for row in found.rows]
    assert gains == [pytest.approx(0.25), None, pytest.approx(-0.25)]
    assert [row.seconds for row in found.rows] == [45.0, 45.0, 45.0]

    lines = format_search(found, 1000).splitlines()
    assert lines[0].startswith("3 alternatives to as-it-is, ")
    assert " on 6 held-out photos of 6 people of" in lines[0]
    assert lines[2].split() == ["what", "macro", "F1", "difference", "better?", "time", "run"]
    assert re.match(r"1  better +1\.000 \[.*\] +\+0\.250 \[.*\] .* 45s  [0-9a-f]{8},[0-9a-f]{8}$", lines[3])
    assert re.match(r"2  as it is +0\.750 \[.*\] +– +– +45s", lines[4])
    assert "failed: bad: the loss must be finite, got nan." in lines
    assert "to try the best again: --set train.batch_size=1" in lines
    assert any(line.startswith("2 alternatives were compared, ") for line in lines)
    assert "0.1 of them would be said to hold by chance" in format_search(found, 1000)  # 2 · 0.025 = 0.05
    assert lines[-1].startswith("macro F1 and time are means over 2 seeds")
    assert max(map(len, format_search(found, 80).splitlines())) <= 80


def test_where_nothing_is_better_nothing_is_recommended(tmp_path: Path) -> None:
    plan = plan_of(1, "worse")
    arms = [trained(tmp_path, plan.reference, [[True] * 6]), trained(tmp_path, plan.alternatives[0], [[False] * 6])]
    text = format_search(score_search(plan, arms), 1000)
    assert "to try the best again" not in text
    assert "does not hold" in text
    assert "one run each says nothing of other seeds" in text


# --- by the words of the command line ------------------------------------------------------------------------------


def test_a_search_trains_each_alternative_once_and_prints_the_table(
    workplace: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path)
    places = ("--data", str(place.data), "--store", str(place.store), "--cache", str(place.cache), "--quiet")
    words = ("search", "augmentations", str(place.recipe), *places, "--set", "train.epochs=1", "--list")
    first = cli(*words, "flip,mixup")
    records = {run.record.name: run.record for run in list_runs(tmp_path).runs}
    assert set(records) == {"tiny", "tiny-without-flip", "tiny-with-mixup"}
    assert records["tiny-without-flip"].recipe["augment"] == [{"kind": "brightness", "strength": 0.2, "p": 1.0}]
    again = cli(*words, "flip,mixup,noise")
    assert {run.record.name for run in list_runs(tmp_path).runs} == {*records, "tiny-with-noise"}
    for name, record in records.items():
        assert read_record(tmp_path / record.run_id) == record, name
    assert all(f"{what} " in first for what in ("the recipe as it is", "without flip", "with mixup"))
    assert "with noise" not in first
    assert "with noise" in again


def test_wrong_words_are_refused_before_anything_is_read(cli: Callable[..., str], workplace: Workplace) -> None:
    def searched(*words: str) -> str:
        return cli("search", *words, "--data", "nowhere")

    with pytest.raises(UserError, match="--scale-rate must be left out but for batch-sizes"):
        searched("optimizers", "quick-imagenet", "--scale-rate", "sqrt")
    with pytest.raises(UserError, match="--list must be of whole numbers from 2 on, got 'x'"):
        searched("batch-sizes", "quick-imagenet", "--list", "16,x")
    with pytest.raises(RecipeError, match=r"got 'adamm'\. Did you mean 'adam'"):
        searched("optimizers", "quick-imagenet", "--list", "adamm")
    with pytest.raises(UserError, match="--data nowhere must be a folder"):
        searched("batch-sizes", "quick-imagenet", "--scale-rate", "none")


def test_the_plan_is_json_where_a_shell_must_read_it() -> None:
    for alternative in augmentations_to_try(QUICK):
        name, _, value = alternative.changes[0].partition("=")
        if name == "augment":
            assert all("kind" in entry for entry in json.loads(value))
        assert parse_recipe("name: t\nsplit: {kind: hold_out}\nmodel: {}\n", "t", alternative.changes)
