from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from maskwise.augment.config import Flip
from maskwise.errors import RecipeError
from maskwise.losses.config import Focal
from maskwise.models.config import LinearNeck
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import (
    dump_recipe,
    load_recipe,
    parse_recipe,
    shipped_names,
    shipped_summary,
    shipped_text,
)
from maskwise.recipe.optimizer_config import SGD, AdamW
from maskwise.recipe.train_config import InnerHoldOut

SMALLEST = "name: t\nsplit: {kind: hold_out}\nmodel: {}\n"
FULL = """
name: t
split: {kind: hold_out, share: 0.3, seed: 7}
model: {neck: null}
augment: [{kind: flip, p: 0.1}, {kind: brightness}]
train:
  epochs: 8
  optimizer: {kind: adamw, weight_decay: 0.2}
"""


def refusal(text: str, *changes: str) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "my.yaml", changes)
    return caught.value.problems


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_recipe_loads_and_comes_back_from_its_own_text(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert parse_recipe(dump_recipe(recipe), "dump") == recipe
    # Other readers of YAML see the same settings.
    assert yaml.safe_load(dump_recipe(recipe)) == recipe.model_dump(mode="json")


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_recipe_begins_with_its_command_and_says_what_it_is_for(name: str) -> None:
    first, second, *_ = shipped_text(name).splitlines()
    assert first.startswith("# maskwise ")
    assert name in first
    assert second.startswith("# ")
    summary = shipped_summary(name)
    assert summary[0].isupper(), summary
    assert summary.endswith(".")
    assert "--set" not in summary
    assert "docs/benchmarks" not in summary


def test_quick_and_demo_are_shipped() -> None:
    assert {"quick", "demo", "baseline", "final"} <= set(shipped_names())


def test_the_smallest_recipe_has_the_defaults() -> None:
    recipe = parse_recipe(SMALLEST, "my.yaml")
    assert recipe == Recipe.model_validate({"name": "t", "split": {"kind": "hold_out"}, "model": {}}, strict=False)
    assert recipe.train.epochs == 4
    assert not recipe.optimistic


def test_a_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text(f"\ufeff{SMALLEST}", encoding="utf-8")
    assert load_recipe(str(path)).name == "t"
    assert load_recipe(str(path), ["seed=3"]).seed == 3


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (tmp_path / "folder.yaml").mkdir()
    for name, reason in (
        ("latin.yaml", "must be text in UTF-8, got 'the byte 0xe9'. Save it as UTF-8."),
        ("folder.yaml", "must be readable, got 'Is a directory'."),
        ("absent.yml", "must be readable, got 'No such file or directory'. Check the path. Shipped recipes: baseline,"),
    ):
        with pytest.raises(RecipeError) as caught:
            load_recipe(str(tmp_path / name))
        assert f"recipe file {tmp_path / name} {reason}" in caught.value.problems[0]


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("quik")
    (problem,) = caught.value.problems
    assert problem.startswith("recipe must be ")
    assert ", got 'quik'. Did you mean 'quick'? Legal:" in problem


@pytest.mark.parametrize("text, got", [("", "nothing"), ("[]", "[]"), ("just words", "'just words'"), ("3", "3")])
def test_what_is_no_mapping_is_refused(text: str, got: str) -> None:
    (problem,) = refusal(text)
    assert problem == (
        f"my.yaml must be settings, each as `name: value`, got {got}. See `maskwise recipes show quick`."
    )


def test_a_broken_file_is_refused_with_its_line() -> None:
    (problem,) = refusal("name: t\nname: u\n")
    assert problem.startswith("my.yaml must be YAML, ")
    assert "the key 'name' twice in line 2. " in problem
    assert "in line 3" in refusal("name: t\nsplit: {kind: hold_out\nmodel: {}\n")[0]


@pytest.mark.parametrize("name", ["1e5", "2024-01-01", "no", "12e4567", "0x10", "true", "123", "1_0"])
def test_a_name_that_looks_like_something_else_comes_back(name: str) -> None:
    recipe = parse_recipe(SMALLEST, "my.yaml", [f"name='{name}'"])
    assert parse_recipe(dump_recipe(recipe), "dump").name == name


def test_changes_reach_nested_settings_lists_and_defaults() -> None:
    changes = ["train.epochs=2", "seed=5", "augment.0.p=1e-1", "model.neck.kind=linear", "model.neck.features=64"]
    recipe = parse_recipe(
        FULL, "my.yaml", [*changes, "predict.views=[as_is, mirrored]", "loss={kind: focal, gamma: 1}"]
    )
    assert recipe.train.epochs == 2
    assert recipe.seed == 5
    assert recipe.augment[0] == Flip(p=0.1)
    assert recipe.model.neck == LinearNeck(features=64)
    assert recipe.predict.views == ("as_is", "mirrored")
    assert recipe.loss == Focal(gamma=1.0)
    assert recipe.train.optimizer == AdamW(weight_decay=0.2)
    assert recipe.split == parse_recipe(FULL, "my.yaml").split


def test_a_whole_entry_of_a_list_can_be_set() -> None:
    recipe = parse_recipe(FULL, "my.yaml", ["augment.1={kind: flip, p: 1}"])
    assert recipe.augment == (Flip(p=0.1), Flip(p=1.0))


@pytest.mark.parametrize("changes", [["train.optimizer.kind=sgd"], ["train.optimizer.kind=sgd", "train.epochs=8"]])
def test_another_kind_drops_what_the_file_said_for_the_old_one(changes: list[str]) -> None:
    assert parse_recipe(FULL, "my.yaml", changes).train.optimizer == SGD()


def test_the_same_kind_keeps_what_the_file_said() -> None:
    assert parse_recipe(FULL, "my.yaml", ["train.optimizer.kind=adamw"]) == parse_recipe(FULL, "my.yaml")


def test_the_order_of_changes_does_not_matter() -> None:
    changes = ["train.optimizer.momentum=0.5", "train.optimizer.kind=sgd", "train.optimizer.rate=0.1"]
    for order in (changes, changes[::-1]):
        assert parse_recipe(FULL, "my.yaml", order).train.optimizer == SGD(rate=0.1, momentum=0.5)
    # A kind given after a setting of a group that the file leaves out drops nothing either.
    for order in (["loss.gamma=3", "loss.kind=focal"], ["loss.kind=focal", "loss.gamma=3"]):
        assert parse_recipe(SMALLEST, "my.yaml", order).loss == Focal(gamma=3.0)
    group = ["train.checkpoint.share=0.3", "train.checkpoint={kind: inner_hold_out}"]
    assert parse_recipe(FULL, "my.yaml", group).train.checkpoint == InnerHoldOut(share=0.3)


@pytest.mark.parametrize("change", ["x", "=3", "", ".", "train.=3", ".epochs=3", "train..epochs=3"])
def test_a_change_that_is_no_path_and_value_is_refused(change: str) -> None:
    assert refusal(FULL, change) == (f"--set must be path=value, got {change!r}. For example --set train.epochs=8.",)


@pytest.mark.parametrize(
    "change, problem",
    [
        ("train.epochs.x=3", "train.epochs must be a group of settings, got 8. Set train.epochs itself."),
        ("augment.flip.p=1", "after augment must come a position from 0 to 1, got 'flip'. Positions count from 0."),
        ("augment.2={kind: flip}", "after augment must come a position from 0 to 1, got '2'. Positions count from 0."),
        ("augment.-1.p=1", "after augment must come a position from 0 to 1, got '-1'. Positions count from 0."),
        ("targets.0.epsilon=0.2", "targets must have entries, got none. Set all of it: targets=[…]."),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(change: str, problem: str) -> None:
    assert refusal(FULL, change) == (f"--set {change}: {problem}",)


def test_a_list_of_one_has_one_position() -> None:
    text = FULL.replace(", {kind: brightness}", "")
    assert "after augment must come the position 0, got '1'" in refusal(text, "augment.1.p=1")[0]


def test_two_changes_of_one_setting_are_refused_unless_they_agree() -> None:
    (problem,) = refusal(FULL, "train.epochs=2", "train.epochs=3")
    assert problem.startswith("--set train.epochs must be given once, got 2 and 3.")
    assert parse_recipe(FULL, "my.yaml", ["seed=2", "seed=2"]).seed == 2


def test_all_bad_changes_are_reported_together() -> None:
    problems = refusal(FULL, "x", "train.epochs.y=2", "seed=[", "augment.9.p=1")
    assert len(problems) == 4
    assert problems[1].startswith("--set seed=[ must be YAML")


def test_a_value_is_read_as_yaml() -> None:
    assert refusal(FULL, "train.epochs='8'")[0].startswith("my.yaml: train.epochs must be a whole number, got '8'.")
    assert parse_recipe(FULL, "my.yaml", ["train.optimizer.rate=3e-4"]).train.optimizer.rate == 0.0003
    assert parse_recipe(FULL, "my.yaml", ["train.clip_norm=null"]).train.clip_norm is None
    assert refusal(FULL, "train.epochs==3")[0].startswith("my.yaml: train.epochs must be a whole number, got '=3'.")


def test_changes_leave_no_trace_in_the_next_recipe() -> None:
    parse_recipe(FULL, "my.yaml", ["train.epochs=2"])
    assert parse_recipe(FULL, "my.yaml").train.epochs == 8


def test_a_change_below_a_group_that_the_file_leaves_out_begins_from_its_default() -> None:
    changed = parse_recipe(SMALLEST, "t", ["train.optimizer.rate=0.25", "input.crop.kind=face"])
    default = parse_recipe(SMALLEST, "t")
    assert changed.train.optimizer.kind == default.train.optimizer.kind
    assert changed.train.optimizer.rate == 0.25
    assert changed.input.crop.kind == "face"
    assert changed.train.epochs == default.train.epochs


def test_the_baseline_is_the_official_ones_default_run() -> None:
    """SGD at 1e-3 with its decay, one epoch of 64s; a StepLR of 20 epochs drops in none of them, so it is constant."""
    recipe = load_recipe("baseline")
    assert recipe.train.optimizer == SGD(rate=0.001, momentum=0.0, weight_decay=0.0005)
    assert (recipe.train.epochs, recipe.train.batch_size, recipe.train.schedule.kind) == (1, 64, "constant")
    assert (recipe.input.height_px, recipe.input.width_px, recipe.loss.kind) == (128, 96, "cross_entropy")
    assert "SGD at 1e-3 (constant" in shipped_text("baseline")
