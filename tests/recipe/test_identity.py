from __future__ import annotations

import copy
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from maskwise.errors import RecipeError
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe, load_recipe, parse_recipe, shipped_names

DATA = "c0ffee"
TRIALS: dict[type, list[Any]] = {
    bool: [True, False],
    int: [2, 3, 5, 40, 60],
    float: [0.05, 0.15, 0.35, 1.5, 3.0],
    str: [
        *("cpu", "bf16", "relu", "mirrored", "IMAGENET1K_V1", "resnet18", "resnet50", "other.pth", "mask", "age"),
        *("k_fold", "last", "sgd", "adam", "constant", "cosine", "joint", "attributes", "none", "f1", "cross_entropy"),
        *("weighted", "natural", "full_frame", "erasing", "baseline_cnn", "effective_number"),
    ],
    type(None): [2, 0.5, {"kind": "linear"}, [20, 50], {"rounds": 2}],
}


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(path, value) of everything that is no group; an empty list is a leaf."""
    if isinstance(tree, dict | list) and tree:
        keys: list[Any] = [*tree] if isinstance(tree, dict) else [*range(len(tree))]
        for key in keys:
            yield from leaves(tree[key], (*path, key))
    else:
        yield path, tree


def with_value(tree: Any, path: tuple[Any, ...], value: object) -> Any:
    changed = copy.deepcopy(tree)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def variants(recipe: Recipe) -> Iterator[tuple[tuple[Any, ...], Recipe]]:
    """Every legal recipe that differs from ``recipe`` in one setting, as far as the trial values reach."""
    tree = recipe.model_dump(mode="json")
    for path, value in leaves(tree):
        for trial in [["consensus"], [{"kind": "label_smoothing"}]] if value == [] else TRIALS[type(value)]:
            try:
                other = Recipe.model_validate_json(json.dumps(with_value(tree, path, trial)))
            except ValidationError:
                continue
            if other != recipe:
                yield path, other


@pytest.mark.parametrize("name", shipped_names())
def test_any_change_that_decides_a_result_is_another_run_and_no_other_is(name: str) -> None:
    recipe = load_recipe(name)
    ids = {run_id(recipe, DATA): recipe}
    touched = set()
    for path, other in variants(recipe):
        touched.add(path)
        if path[0] in ("name", "runtime"):
            assert run_id(other, DATA) == run_id(recipe, DATA), path
        else:
            same = ids.setdefault(run_id(other, DATA), other)
            assert same == other, f"{path} gives two recipes one id"
    assert {path[0] for path in touched} >= {"name", "runtime", "seed", "split", "input", "model", "train", "task"}
    assert len(ids) > 40


def test_the_data_decides_too() -> None:
    recipe = load_recipe("quick-imagenet")
    assert run_id(recipe, "a") != run_id(recipe, "b")


def test_self_training_changes_the_id_and_runs_without_it_keep_the_one_from_before_it_could_be_set() -> None:
    recipe = load_recipe("quick-imagenet")
    settings = recipe.model_dump(mode="json", exclude={"name", "runtime", "self_training", "distillation", "parts"})
    assert settings["data"].pop("draw_masks") is None
    assert settings["input"]["crop"].pop("decoding") == "full"
    assert (settings["train"].pop("cached_views"), settings["train"].pop("layout")) == (None, "channels_last")
    assert settings["train"].pop("on_nonfinite") == "stop"
    assert settings["train"].pop("batch_norm") == "sync"
    assert (settings["train"].pop("frozen_blocks"), settings["train"].pop("pretrained_share")) == (0, None)
    assert settings["model"]["head"].pop("gender") == "linear"
    assert settings["train"]["optimizer"].pop("betas") == [0.9, 0.999]
    assert (settings["predict"].pop("fold_vote"), settings["predict"].pop("fold_views")) == ("soft", "all")
    text = json.dumps([settings, DATA], sort_keys=True, separators=(",", ":"))
    assert run_id(recipe, DATA) == hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    changes = ["self_training={}", "self_training.rounds=2", "self_training.select.kind=soft"]
    assert (
        len({run_id(load_recipe("quick-imagenet", [change]), DATA) for change in changes} | {run_id(recipe, DATA)}) == 4
    )


@pytest.mark.parametrize(
    ("settings", "run"),
    [
        (
            {
                "sampling": {"kind": "undersample_masked"},
                "loss": {
                    "kind": "weighted_sum",
                    "terms": [
                        {"weight": 0.4, "loss": {"kind": "f1", "classes": "present"}},
                        {"weight": 0.6, "loss": {"kind": "focal"}},
                    ],
                },
                "train": {"optimizer": {"kind": "adam"}},
            },
            "d45bd49e4f4e68b4",
        ),
        *(
            ({"train": {"optimizer": {"kind": kind}}}, run)
            for kind, run in (
                ("adamw", "1828c0c50efa333d"),
                ("sgd", "14686b3ee3fa1bba"),
                ("nadam", "464c8d7d17955997"),
                ("radam", "288763568634ad1e"),
                ("adamax", "cbe80a4a5ab02848"),
                ("rmsprop", "e9987df1f75a1d0d"),
                ("adagrad", "a909ce20287c255e"),
            )
        ),
        ({"mixing": {"kind": "mixup"}}, "df0ea755820db55d"),
        ({"mixing": {"kind": "cutmix"}}, "26e6295c6b4d81c9"),
        ({"loss": {"kind": "focal"}}, "f0578133b984d646"),
        ({"loss": {"kind": "attributes_cross_entropy"}}, "3c5495a7be966bd6"),
        ({"targets": [{"kind": "label_smoothing"}]}, "be1f3672e12cfb01"),
    ],
    ids=str,
)
def test_settings_that_came_later_leave_the_ids_of_runs_without_them(settings: dict[str, Any], run: str) -> None:
    """The ids as the version before these settings gave them."""
    whole = {
        "name": "x",
        "split": {"kind": "hold_out", "share": 0.2},
        "model": {"backbone": {"kind": "baseline_cnn"}, "weights": {"kind": "none"}},
        **settings,
    }
    assert run_id(Recipe.model_validate_json(json.dumps(whole)), "data") == run


def test_an_id_is_16_hex_digits_and_the_same_in_every_process() -> None:
    code = (
        "from maskwise.recipe.load import load_recipe; from maskwise.recipe.identity import run_id;"
        f"print(run_id(load_recipe('quick-imagenet'), {DATA!r}))"
    )
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "3"}).stdout
    assert re.fullmatch(r"[0-9a-f]{16}\n", other)
    assert run_id(load_recipe("quick-imagenet"), DATA) == other.strip()


def test_the_order_of_keys_and_the_way_of_writing_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    recipe = load_recipe("final")

    def shuffled(tree: Any) -> Any:
        if isinstance(tree, dict):
            keys = list(tree)
            return {keys[k]: shuffled(tree[keys[k]]) for k in rng.permutation(len(keys))}
        return [shuffled(entry) for entry in tree] if isinstance(tree, list) else tree

    for _ in range(5):
        text = yaml.safe_dump(shuffled(yaml.safe_load(dump_recipe(recipe))), sort_keys=False)
        assert run_id(parse_recipe(text, "shuffled"), DATA) == run_id(recipe, DATA)
    # A default spelled out is the same run; so is a whole number where a number stands.
    assert run_id(load_recipe("final", ["seed=0", "data={corrections: []}"]), DATA) == run_id(recipe, DATA)
    one, two = (load_recipe("quick-imagenet", [f"train.clip_norm={value}"]) for value in ("1", "1.0"))
    assert run_id(one, DATA) == run_id(two, DATA)


def test_the_order_of_a_list_matters() -> None:
    recipe = load_recipe("demo")
    turned = recipe.model_copy(update={"augment": recipe.augment[::-1]})
    assert run_id(turned, DATA) != run_id(recipe, DATA)


@pytest.mark.parametrize(
    "change", ["seed='8'", "seed=true", "seed=8.0", "train.ema_decay='0.5'", "train.ema_decay=true"]
)
def test_types_are_strict_so_that_no_two_texts_of_one_look_differ(change: str) -> None:
    address, _, _ = change.partition("=")
    with pytest.raises(RecipeError, match=rf"{address} must be a (whole )?number"):
        load_recipe("quick-imagenet", [change])
