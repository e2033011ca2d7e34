"""Every two kinds that can stand together in a recipe train together; all others are refused with the reason.

Which recipes these are is computed from the unions of the recipe (``support/pairings.py``): nothing here names a kind,
so a new one takes part as soon as it is in its union. Left out are downloaded weights, weights from a file, and what
has no place in one fold of one model: parts and self-training, which have tests of their own.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.augment.config import AugmentConfig, MixingConfig
from maskwise.data.build import build_split
from maskwise.data.config import SplitConfig
from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.errors import RecipeError
from maskwise.faces.config import CropConfig
from maskwise.fitting.one_fold import train_fold
from maskwise.fitting.photo_set import PhotoSet
from maskwise.fitting.photos import input_spec, photo_reader
from maskwise.listeners import EpochReport, Silent
from maskwise.losses.config import ClassWeights, LossConfig, PerAttribute, TargetConfig
from maskwise.models.build import build_model
from maskwise.models.config import Backbone, Head, ModelConfig, Weights
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import REFUSED_KINDS
from maskwise.recipe.load import dump_recipe, parse_recipe
from maskwise.recipe.optimizer_config import OptimizerConfig
from maskwise.recipe.schedule_config import ScheduleConfig
from maskwise.recipe.train_config import CheckpointConfig
from maskwise.records import Image, Ints, PhotoTable
from maskwise.sampling.config import SamplerConfig, UndersampleMasked
from maskwise.seeds import rng_for, torch_seed_for
from maskwise.settings import kind_of, members_of
from maskwise.training.fold_files import WEIGHTS
from support.fold_jobs import fold_job
from support.pairings import BASE, LEFT_OUT, design, factors, pairs_of, problems_of, recipe_of, settings_of
from support.tables import photo_table

PARTS = 4
"""So that several processes can share the work."""
STATES = ("mask1", "incorrect_mask", "normal")
AGES_YEARS = (20, 30, 50, 65)
UNIONS: dict[str, Any] = {
    "split": SplitConfig,
    "input.crop": CropConfig,
    "sampling": SamplerConfig,
    "sampling.then": UndersampleMasked.model_fields["then"].annotation,
    "augment": AugmentConfig,
    "mixing": MixingConfig,
    "model.backbone": Backbone,
    "model.head": Head,
    "model.weights": Weights,
    "model.age_head": ModelConfig.model_fields["age_head"].annotation,
    "targets": TargetConfig,
    "loss": LossConfig,
    "loss.class_weights": ClassWeights,
    "loss.loss": PerAttribute.model_fields["loss"].annotation,
    "loss.loss.class_weights": ClassWeights,
    "train.optimizer": OptimizerConfig,
    "train.schedule": ScheduleConfig,
    "train.checkpoint": CheckpointConfig,
}
DEFAULTS = {"sampling.then": "natural", "loss.loss": "focal"}
"""What stands within a kind where nothing is said of it."""


class Losses(Silent):
    """Keeps the mean loss of every epoch."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_epoch(self, report: EpochReport) -> None:
        self.values.append(report.loss)


@cache
def drawn() -> tuple[tuple[bytes, ...], PhotoTable]:
    """Three photos, as files, of each of eight drawn people, and their labels without classes."""
    people = list(itertools.product(("male", "female"), AGES_YEARS))
    files = []
    for number, (gender, age_years) in enumerate(people):
        person = draw_person(np.random.default_rng(number), age_years, gender)  # type: ignore[arg-type]
        for state in STATES:
            photo_HWC = draw_photo(person, state, np.random.default_rng(number))
            files.append(cv2.imencode(".png", photo_HWC[::2, ::2, ::-1])[1].tobytes())
    table = photo_table(
        mask=[0, 1, 2] * len(people),
        gender=[("male", "female").index(gender) for gender, _ in people for _ in STATES],
        age_years=[age for _, age in people for _ in STATES],
        person=[f"{number:06d}" for number in range(len(people)) for _ in STATES],
    )
    return tuple(files), table


@cache
def pixels_of(crop: str) -> Image:
    """The drawn photos through a crop, given as the JSON of ``BASE`` with it, at the size of the recipes."""
    recipe = Recipe.model_validate_json(crop)
    read_file = photo_reader(input_spec(recipe))
    return np.stack([read_file(data, "drawn") for data in drawn()[0]])


def photos_of(recipe: Recipe) -> PhotoSet:
    """The drawn photos, labeled and cropped as the recipe says; each kind of crop is made once."""
    plain = {**BASE, "input": recipe.input.model_dump(mode="json")}
    pixels_NHWC = pixels_of(json.dumps(plain))

    def read(index_M: Ints) -> Image:
        return pixels_NHWC[index_M]

    return PhotoSet(recipe.task.label(drawn()[1]), read)


# --- which recipes these are ---------------------------------------------------------------------------------------


def test_the_factors_are_the_unions_whole() -> None:
    """Said again by the unions' own names, so that a component which the walk misses is missed here."""
    for address, union in UNIONS.items():
        kinds = {kind_of(member) for member in members_of(union) if member not in LEFT_OUT}
        found = {option.name for option in factors()[address]}
        assert found | {"none"} == kinds - REFUSED_KINDS | {"none"}, address
    assert set(factors()) >= {*UNIONS, "model.neck", "auxiliary", "train.precision", "freezing"}
    assert all(len(options) > 1 for options in factors().values())


def test_every_pair_that_can_stand_together_stands_in_a_recipe() -> None:
    found = design()
    held = set().union(*(pairs_of(row) for row in found.rows))
    assert found.possible <= held
    assert not held & set(found.refused)
    assert all(set(row) == set(factors()) for row in found.rows)
    n_options = [len(options) for options in factors().values()]
    n_pairs = sum(one * two for one, two in itertools.combinations(n_options, 2))
    assert len(found.possible) + len(found.refused) == n_pairs
    assert len(found.rows) < 2 * math.prod(sorted(map(n_exclusive, factors()))[-2:])  # the product is the least


def n_exclusive(factor: str) -> int:
    """How many options of ``factor`` exclude one another; a union within one kind stands in its place."""
    inner = [len(options) for name, options in factors().items() if name in DEFAULTS and parent(name) == factor]
    return len(factors()[factor]) + sum(n - 2 for n in inner)  # without none and the kind itself


def parent(address: str) -> str:
    return address.rpartition(".")[0]


def test_what_a_recipe_says_is_what_its_row_names() -> None:
    """Read back from the validated recipe: an option that never reached it would be covered on paper alone."""
    for row in design().rows:
        recipe = recipe_of(row).model_dump(mode="json")
        for address in UNIONS:
            place: Any = recipe
            for name in address.split("."):
                place = place.get(name) if isinstance(place, dict) else None
            entries = place if isinstance(place, list) else [place]
            kinds = [entry["kind"] for entry in entries if entry is not None] or ["none"]
            assert kinds in ([row[address].name], [DEFAULTS.get(address)] if row[address].name == "none" else []), (
                address
            )


def test_a_pair_that_is_refused_is_refused_with_the_reason() -> None:
    assert len(design().refused) >= 20
    for pair, problems in design().refused.items():
        assert problems, sorted(pair)
        for problem in problems:
            assert re.match(r"^[a-z_.0-9]+ must be .+, got .+\. .+", problem), problem
        # The reason begins at the address of one of the two, or at that of the group which it stands in.
        lines = " ".join(problems)
        groups = [f"{parent(option.factor)} must be" for option in pair]
        assert any(option.factor in lines for option in pair) or problems[0].startswith(tuple(groups)), sorted(pair)


# --- training them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(PARTS))
def test_every_pair_trains_and_predicts(part: int, tmp_path: Path) -> None:
    """Two epochs of a few photos, as ``run_recipe`` trains a fold: losses finite, weights moved, predictions."""
    faults = {}
    for number, row in list(enumerate(design().rows))[part::PARTS]:
        if fault := fault_of(recipe_of(row), tmp_path / str(number)):
            faults[" ".join(f"{option.factor}={option.name}" for option in row.values())] = fault
    assert faults == {}


def fault_of(recipe: Recipe, folder: Path) -> str:
    """What is wrong with the training of ``recipe``; "" where nothing is."""
    photos, losses = photos_of(recipe), Losses()
    held_out_N = build_split(recipe.split, recipe.task)(photos.table, rng_for(0, "split")) == 0
    predictions = train_fold(fold_job(recipe, photos, held_out_N, folder, losses))
    if len(losses.values) != recipe.train.epochs or not np.isfinite(losses.values).all():
        return f"losses {losses.values}"
    if predictions.photo_N.tolist() != photos.table.photo_N[held_out_N].tolist():
        return f"predictions for {len(predictions)} of {held_out_N.sum()} photos"
    if (predictions.age_years_N is not None) != (recipe.model.age_head is not None and len(predictions) > 0):
        return "ages without an age head, or none with one"
    return "" if weights_moved(recipe, folder) else "the head's weights are those of the beginning"


def weights_moved(recipe: Recipe, folder: Path) -> bool:
    """Whether the kept weights of the head differ from those that the training began with."""
    torch.manual_seed(torch_seed_for(recipe.seed, "weights", 0))
    first = build_model(recipe.model, recipe.task).state_dict()
    kept = safetensors.torch.load((folder / WEIGHTS).read_bytes())
    heads = [name for name in first if name.startswith("head.")]
    return bool(heads) and any(not torch.equal(first[name], kept[name]) for name in heads)


def test_half_precision_that_needs_a_gpu_says_so(tmp_path: Path) -> None:
    row = design().rows[0]
    recipe = recipe_of(row)
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"precision": "fp16"})})
    with pytest.raises(RecipeError, match="fp32 or bf16 on a CPU"):
        fault_of(recipe, tmp_path)
    assert problems_of(row) == []


@given(data=st.data())
@settings(max_examples=60)
def test_a_recipe_that_is_printed_and_parsed_is_the_same(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(design().rows))
    changes = {
        "name": data.draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)),
        "seed": data.draw(st.integers(0, 2**31)),
        "runtime": {"checkpoint_every_s": data.draw(st.floats(0, 1e6))},
    }
    recipe = Recipe.model_validate_json(json.dumps({**settings_of(row), **changes}))
    printed = dump_recipe(recipe)
    assert parse_recipe(printed, "printed") == recipe
    assert dump_recipe(parse_recipe(printed, "printed")) == printed
