"""Pairs of settings from different rooms: refused together, each with the way out; sensible pairs pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from maskwise.faces.config import FullFrame
from maskwise.recipe.config import Recipe

AGES: dict[str, Any] = {"auxiliary": {"kind": "age_distribution"}}


def recipe(**settings: Any) -> Recipe:
    minimal = {"name": "pairs", "split": {"kind": "hold_out"}, "model": {}}
    return Recipe.model_validate_json(json.dumps(minimal | settings))


def problems(**settings: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        recipe(**settings)
    (error,) = caught.value.errors()
    return str(error["ctx"]["error"]).splitlines()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": {"kind": "arcface"}, "model": {"head": {"kind": "cosine"}}},
        {"loss": {"kind": "ldam"}, "model": {"head": {"kind": "cosine"}}},
        {"loss": {"kind": "focal"}, "model": {"head": {"kind": "cosine"}}},
        {"loss": {"kind": "balanced_softmax"}, "model": {"head": {"kind": "attributes"}}},
        {"loss": {"kind": "attributes_cross_entropy", "age_weight": 2}},
        {"model": {"age_head": {"kind": "linear"}}, **AGES},
        {"targets": [{"kind": "soft_age_border", "margin_years": 15}, {"kind": "soft_classes"}]},
        {"self_training": {}, "mixing": {"kind": "mixup"}, "loss": {"kind": "f1"}},
        {"self_training": {"select": {"kind": "soft", "weight": 0.5}}, "loss": {"kind": "focal"}},
        {"self_training": {"select": {"kind": "hard", "weight": 0.5}}, "mixing": {"kind": "mixup"}},
        {"predict": {"fold_vote": "hard"}, "split": {"kind": "k_fold", "folds": 3}},
        {"targets": [{"kind": "soft_age_border", "margin_years": 40}], "task": {"age_borders_years": [40]}},
    ],
)
def test_sensible_pairs_pass_and_survive_being_written_out(settings: dict[str, Any]) -> None:
    assert recipe(**settings) == Recipe.model_validate_json(recipe(**settings).model_dump_json())


@pytest.mark.parametrize("kind", ["arcface", "ldam"])
@pytest.mark.parametrize("head", ["joint", "attributes"])
def test_margins_of_angles_need_the_cosine_head(kind: str, head: str) -> None:
    (problem,) = problems(loss={"kind": kind}, model={"head": {"kind": head}})
    assert problem.startswith(f"model.head.kind must be cosine for loss.kind {kind}, got '{head}'. ")


def test_a_term_of_a_sum_is_found() -> None:
    terms = [{"weight": 0.4, "loss": {"kind": "f1"}}, {"weight": 0.6, "loss": {"kind": "arcface"}}]
    (problem,) = problems(loss={"kind": "weighted_sum", "terms": terms})
    assert "cosine for loss.terms.1.loss.kind arcface" in problem


def test_the_age_head_and_its_term_need_each_other() -> None:
    (problem,) = problems(**AGES)
    assert problem.startswith("model.age_head must be given for ")
    assert "age_distribution, got None. Set model.age_head" in problem
    (problem,) = problems(model={"age_head": {"kind": "linear"}})
    assert problem.startswith("auxiliary must be age_distribution with ")


@pytest.mark.parametrize("mixing", ["mixup", "cutmix", "half_cutmix"])
def test_mixed_photos_have_mixed_ages_to_learn(mixing: str) -> None:
    assert recipe(mixing={"kind": mixing}, model={"age_head": {"kind": "linear"}}, **AGES).mixing.kind == mixing


@pytest.mark.parametrize("head", ["joint", "attributes", "cosine"])
def test_a_margin_for_each_attribute_needs_the_cosines_of_each(head: str) -> None:
    loss = {"kind": "per_attribute", "loss": {"kind": "arcface"}}
    (problem,) = problems(loss=loss, model={"head": {"kind": head}})
    assert problem.startswith("model.head.kind must be cosine_attributes ")
    assert "loss.loss.kind arcface" in problem
    assert recipe(loss=loss, model={"head": {"kind": "cosine_attributes"}}).loss.kind == "per_attribute"
    (problem,) = problems(loss={"kind": "arcface"}, model={"head": {"kind": "cosine_attributes"}})
    assert problem.startswith("model.head.kind must be cosine for ")
    assert "loss.kind arcface" in problem


@pytest.mark.parametrize("epochs, allowed", [(4, 0.75), (10, 0.9), (1, 0.0)])
def test_deferred_weights_must_come_before_the_end(epochs: int, allowed: float) -> None:
    cosine = {"model": {"head": {"kind": "cosine"}}, "train": {"epochs": epochs}}
    assert recipe(loss={"kind": "ldam", "reweight_from": allowed}, **cosine).train.epochs == epochs
    assert recipe(loss={"kind": "ldam", "reweight_from": None}, **cosine).train.epochs == epochs
    (problem,) = problems(loss={"kind": "ldam", "reweight_from": allowed + 0.01}, **cosine)
    assert problem.startswith(
        f"loss.reweight_from must be at most {allowed:g}, where the last of {epochs} epochs begins"
    )


def test_the_weight_of_an_attribute_that_is_not_learned_is_refused() -> None:
    task = {"attributes": ["gender", "age"]}
    (problem,) = problems(loss={"kind": "attributes_cross_entropy", "mask_weight": 2}, task=task)
    assert problem.startswith("loss.mask_weight must be left out, ")
    assert "none of task.attributes, got 2.0." in problem
    assert recipe(loss={"kind": "attributes_cross_entropy", "age_weight": 2}, task=task).task.n_classes == 6


def test_soft_age_borders_need_borders_and_room() -> None:
    soft = [{"kind": "label_smoothing"}, {"kind": "soft_age_border", "margin_years": 15}]
    (problem,) = problems(targets=soft, task={"attributes": ["mask"]})
    assert problem.startswith("targets.1.kind must be ")
    assert ": task.attributes has no age" in problem
    (problem,) = problems(targets=soft, task={"train_age_borders_years": [30, 58]})
    assert problem.startswith("targets.1.margin_years must be at most half ")
    assert " 28 years between two training borders" in problem


def test_all_problems_are_reported_together() -> None:
    found = problems(
        loss={"kind": "arcface"},
        targets=[{"kind": "soft_age_border", "margin_years": 20}],
        model={"age_head": {"kind": "linear"}},
    )
    assert len(found) == 3


def test_self_training_goes_with_no_group_of_photos() -> None:
    (group,) = problems(self_training={}, data={"only": {"mask": "worn"}})
    assert group.startswith("data.only must be left out with self_training")
    assert group.endswith("got '{mask: worn}'. Leave one of them out.")


@pytest.mark.parametrize("split", [{"kind": "hold_out"}, {"kind": "everyone"}])
def test_a_vote_of_folds_needs_folds(split: dict[str, Any]) -> None:
    (problem,) = problems(split=split, predict={"fold_vote": "hard"}, train={"checkpoint": {"kind": "last"}})
    assert problem.startswith(f"predict.fold_vote must be soft with split {split['kind']} (which trains one model)")


def test_where_nobody_is_scored_nobody_scored_can_choose_the_epoch() -> None:
    everyone = {"kind": "everyone"}
    (problem,) = problems(split=everyone, train={"checkpoint": {"kind": "scored_people"}})
    assert problem.startswith("train.checkpoint.kind must be last or inner")
    assert "with split everyone" in problem
    (problem,) = problems(split={**everyone, "seed": 3}, train={"checkpoint": {"kind": "last"}})
    assert problem.startswith("split.seed must be left out with ")
    assert "train.checkpoint last" in problem
    assert recipe(split={**everyone, "seed": 3}, train={"checkpoint": {"kind": "inner_hold_out"}}).split.seed == 3
    assert recipe(split=everyone, train={"checkpoint": {"kind": "last"}}).split.kind == "everyone"


def test_masks_are_drawn_on_whole_photos_alone() -> None:
    drawn: dict[str, Any] = {"draw_masks": {}}
    reduced = {"crop": {"kind": "full_frame", "decoding": "reduced"}}
    assert recipe(input=reduced).input.crop == FullFrame(decoding="reduced")
    assert recipe(data=drawn).data.draw_masks is not None
    (problem,) = problems(data=drawn, input=reduced)
    assert problem.startswith("input.crop.decoding must be full ")
    assert "data.draw_masks" in problem
