from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maskwise.recipe.addresses import settings_of
from maskwise.recipe.load import load_recipe
from maskwise.store.recipe_difference import NO_SETTING, describe_difference, differing, setting_at
from store.conftest import MakeRecord

SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("abcd", min_size=1), below, max_size=3),
    max_leaves=12,
)
RECIPES = st.dictionaries(st.text("abcd", min_size=1), SETTINGS, max_size=4)


def recipe(*changes: str) -> dict[str, Any]:
    return load_recipe("quick-imagenet", changes).model_dump(mode="json")


def test_only_changed_settings_differ() -> None:
    assert describe_difference(recipe("train.epochs=7", "seed=3", "name=other"), recipe()) == [
        "seed=3",
        "train.epochs=7",
    ]


def test_another_kind_is_reported_without_the_settings_of_the_old_one() -> None:
    differences = differing(recipe("train.optimizer={kind: sgd, rate: 0.01}"), recipe())
    assert differences["train.optimizer.kind"] == "sgd"
    assert NO_SETTING not in differences.values()


def test_a_setting_that_is_gone_is_reported() -> None:
    assert describe_difference({"a": {"b": 1}}, {"a": {"b": 1, "c": [2]}}) == ["no a.c"]
    assert describe_difference({"a": [1, 2]}, {"a": [1]}) == ["a=[1, 2]"]


@given(RECIPES)
def test_nothing_differs_from_itself(mine: dict[str, Any]) -> None:
    assert differing(mine, mine) == {}


@given(RECIPES, RECIPES)
def test_unequal_recipes_differ_in_some_direction(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert bool(differing(mine, theirs) or differing(theirs, mine)) == (mine != theirs)


def test_addresses_find_what_settings_tell(make_record: MakeRecord) -> None:
    record = make_record("quick", 5, recipe=recipe())
    for address, value in settings_of(record.recipe).items():
        if address not in ("name", "seed"):
            assert setting_at(record, address) == value
    assert setting_at(record, "name") == "quick"
    assert setting_at(record, "seed") == 5
    assert setting_at(record, "data") == "faces"
    assert setting_at(record, "augment.99.kind") is NO_SETTING
    assert setting_at(record, "train.epochs.more") is NO_SETTING
