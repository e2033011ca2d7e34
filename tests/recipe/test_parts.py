"""Recipes with parts: what each part is as a recipe of its own, and every way of writing parts that make no sense."""

from __future__ import annotations

import json

import pytest

from maskwise.errors import RecipeError
from maskwise.labels import PhotoGroup
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import dump_recipe, load_recipe, parse_recipe
from maskwise.recipe.parts import SECTIONS, part_names
from maskwise.recipe.single_recipes import single_recipes

TWO = "parts=[{attributes: [mask]}, {attributes: [gender, age]}]"


def refusal(*changes: str, parts: str = TWO, recipe: str = "quick-imagenet") -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, [parts, *changes])
    return tuple(line.removeprefix(f"recipe {recipe}: ") for line in caught.value.problems)


def test_a_recipe_without_parts_is_itself() -> None:
    recipe = load_recipe("quick-imagenet")
    ((name, single, trains_on),) = single_recipes(recipe)
    assert (name, trains_on) == ("", None)
    assert single is recipe


def test_a_part_has_the_sections_of_the_recipe_but_for_its_own() -> None:
    recipe = load_recipe("quick-imagenet", [TWO, "parts.1.loss.kind=focal", "parts.1.trains_on={mask: worn}", "seed=4"])
    mask, gender_age = single_recipes(recipe)
    assert [mask.name, gender_age.name] == ["mask", "gender-age"]
    assert [mask.trains_on, gender_age.trains_on] == [None, PhotoGroup(mask="worn")]
    assert mask.recipe.task.sizes == (3,)
    assert gender_age.recipe.task.sizes == (2, 3)
    plain = load_recipe("quick-imagenet", ["seed=4"])
    rest = {"task": plain.task, "loss": plain.loss}
    assert mask.recipe.model_copy(update=rest) == gender_age.recipe.model_copy(update=rest) == plain
    assert [mask.recipe.loss.kind, gender_age.recipe.loss.kind] == ["balanced_softmax", "focal"]


def test_every_part_is_a_legal_recipe_of_its_own() -> None:
    borders = "task.train_age_borders_years=[30, 58]"
    for recipe in (load_recipe("separate"), load_recipe("quick-imagenet", [TWO, borders])):
        for _, single, _ in single_recipes(recipe):
            assert Recipe.model_validate_json(single.model_dump_json()) == single
            assert parse_recipe(dump_recipe(single), "part") == single
    mask, gender_age = single_recipes(recipe)
    assert mask.recipe.task.train_age_borders_years is None
    assert gender_age.recipe.task.train_age_borders_years == (30, 58)


def test_an_empty_list_is_a_section_of_its_own() -> None:
    recipe = load_recipe("quick-imagenet", [TWO, "parts.0.augment=[]"])
    assert [len(single.augment) for _, single, _ in single_recipes(recipe)] == [0, 4]


def test_a_run_is_optimistic_if_one_part_is() -> None:
    assert not load_recipe("quick-imagenet", [TWO]).optimistic
    assert load_recipe("quick-imagenet", [TWO, "parts.0.train.checkpoint.kind=scored_people"]).optimistic
    # Nobody trains by the recipe's own section here.
    own = ["parts.0.train={checkpoint: {kind: last}}", "parts.1.train.checkpoint.kind=scored_people"]
    assert load_recipe("quick-imagenet", [TWO, *own, "train={}"]).optimistic


def test_names_are_the_attributes_and_those_of_repeats_are_numbered() -> None:
    attributes = [["mask", "age"], ["gender"], ["age", "mask"], ["mask", "age"], ["gender"], ["gender"]]
    assert part_names(attributes) == ("mask-age", "gender", "age-mask", "mask-age-2", "gender-2", "gender-3")


def test_several_parts_may_read_the_same_attributes_if_they_differ() -> None:
    three = "[{attributes: [mask]}, {attributes: [gender, age]}, {attributes: [age, gender], loss: {kind: focal}}]"
    assert [each.name for each in single_recipes(load_recipe("quick-imagenet", [f"parts={three}"]))] == [
        "mask",
        "gender-age",
        "age-gender",
    ]
    whole = "{attributes: [mask, gender, age]}"
    (problem,) = refusal(parts=f"parts=[{whole}, {whole}]")
    assert problem.startswith("parts.1 must be another model ")
    assert "got 'that of parts.0'." in problem


def test_best_is_the_heads_of_probe_and_the_fine_tuning_of_quick_on_five_folds() -> None:
    best = load_recipe("best")
    assert best.split.kind == "k_fold"
    assert best.split.folds == 5
    assert [each.name for each in single_recipes(best)] == ["mask-gender-age", "mask-gender-age-2"]
    for part, name in zip(single_recipes(best), ("probe", "quick"), strict=True):
        alone = load_recipe(name)
        same = {"name": "best", "split": best.split, "predict": best.predict}
        assert part.recipe == alone.model_copy(update=same)
        assert alone.predict.views == best.predict.views
    assert best.predict.fold_views == "in_turn"


@pytest.mark.parametrize(
    ("parts", "got"),
    [
        ("[{attributes: [mask]}, {attributes: [gender]}]", "mask | gender"),
        ("[{attributes: [mask]}, {attributes: [gender, age, mask]}]", "mask | gender, age, mask"),
        ("[{attributes: [mask, gender, age]}, {attributes: []}]", "mask, gender, age | "),
        ("[{attributes: [mask, gender]}, {attributes: [gender, age]}]", "mask, gender | gender, age"),
        ("[{attributes: [mask, gender, mask]}, {attributes: [age]}]", "mask, gender, mask | age"),
    ],
)
def test_different_parts_share_the_attributes_out(parts: str, got: str) -> None:
    (problem,) = refusal(parts=f"parts={parts}")
    assert problem.startswith("attributes of the parts must be ")
    assert " mask, gender, age, each in one part" in problem
    assert f", got '{got}'. " in problem
    smaller = load_recipe(
        "quick-imagenet", ["parts=[{attributes: [age]}, {attributes: [mask]}]", "task.attributes=[mask, age]"]
    )
    assert len(single_recipes(smaller)) == 2


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ("[{attributes: [mask, gender, age]}]", r"parts must be two or more, or left out, got 1\."),
        ("[{attributes: [mask]}, {attributes: [gender, agge]}]", r"parts\.1\.attributes\.1 must be .*'agge'"),
        ("[{attributes: [mask]}, {attributes: [gender, age], lss: {}}]", r"parts\.1\.lss .* Did you mean 'loss'"),
        ("[{attributes: [mask]}, {attributes: [gender, age], trains_on: {mask: wron}}]", r"parts\.1\.trains_on\.mask"),
        ("[{attributes: [mask]}, {attributes: [gender, age], trains_on: {}}]", r"given by mask, gender or age_years"),
        (
            "[{attributes: [mask], trains_on: {mask: worn}}, {attributes: [gender, age]}]",
            r"parts\.0\.trains_on\.mask must be left out of a part that predicts mask",
        ),
        ("[{trains_on: {mask: worn}}, {attributes: [gender, age]}]", r"parts\.0\.attributes must be given"),
    ],
)
def test_other_parts_are_refused(parts: str, problem: str) -> None:
    with pytest.raises(RecipeError, match=problem) as caught:
        load_recipe("quick-imagenet", [f"parts={parts}"])
    assert len(caught.value.problems) == 1


def test_settings_that_no_part_has_are_refused() -> None:
    both = ["parts.0.loss.kind=focal", "parts.1.loss.kind=cross_entropy"]
    (problem,) = refusal(*both)
    assert problem.startswith("loss would have no effect, ")
    models = ["parts.0.model={}", "parts.1.model={}"]
    (problem,) = refusal(*models)
    assert problem.startswith("model would have no effect")
    # At its default it says nothing, so it takes nothing away.
    assert load_recipe("quick-imagenet", [TWO, *both, "loss.kind=cross_entropy"]).parts[0].loss is not None


def test_self_training_and_parts_do_not_go_together() -> None:
    (problem,) = refusal("self_training={}")
    assert problem.startswith("self_training must be left out with parts")


def test_pairs_are_judged_part_by_part_with_what_they_have_from_the_recipe() -> None:
    (problem,) = refusal("parts.1.loss.kind=arcface", "parts.0.auxiliary=null")
    assert problem.startswith("parts.1 (gender-age): model.head.kind must be ")
    assert "loss.kind arcface, got 'attributes'. " in problem
    (problem,) = refusal("targets=[{kind: soft_age_border}]")
    assert problem.startswith("parts.0 (mask): targets.0.kind must ")
    assert load_recipe("quick-imagenet", [TWO, "parts.1.targets=[{kind: soft_age_border}]"])


def test_sections_are_those_that_parts_have() -> None:
    fields = set(json.loads(load_recipe("separate").parts[0].model_dump_json()))
    assert fields - {"attributes", "trains_on"} == set(SECTIONS)
    assert set(SECTIONS) <= set(Recipe.model_fields)
