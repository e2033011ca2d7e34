"""Recipes that together hold every pair of kinds: a covering design over the unions of the recipe.

Most faults show once two settings meet (D. R. Kuhn, D. R. Wallace and A. M. Gallo, "Software fault interactions and
implications for software testing", IEEE Trans. Softw. Eng. 30 (2004) 418–421). So every two options of different
factors stand together in a recipe, as few recipes as a greedy search finds (D. M. Cohen et al., "The AETG system", IEEE
Trans. Softw. Eng. 23 (1997) 437–444). The options are read off the recipe's unions: a new kind takes part by itself.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from maskwise.data.config import HoldOut, KFold
from maskwise.losses.config import Ldam
from maskwise.models.config import FacesWeights, PretrainedWeights, TorchvisionBackbone, WeightsFile
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import REFUSED_KINDS, explain
from maskwise.recipe.schedule_config import Step
from maskwise.recipe.train_config import InnerHoldOut, TrainConfig
from maskwise.sampling.config import OversampleGroup
from maskwise.settings import Settings

NONE = "none"
"""The option of a factor that can be left out."""

BASE: dict[str, Any] = {
    "name": "pair",
    "task": {"attributes": ["mask", "age"], "age_borders_years": [50]},
    "split": {"kind": "hold_out", "share": 0.34},
    "input": {"crop": {"kind": "full_frame"}, "height_px": 32, "width_px": 32},
    "model": {"backbone": {"kind": "baseline_cnn"}, "weights": {"kind": "none"}},
    "train": {"epochs": 2, "batch_size": 64, "checkpoint": {"kind": "last"}},
    "runtime": {"device": "cpu", "workers": 0, "checkpoint_every_s": 600.0},
}
"""A legal recipe, the cheapest there is; the options are put into it."""

SETTINGS: dict[type[Settings], dict[str, Any]] = {
    HoldOut: {"share": 0.34},
    KFold: {"folds": 2},
    InnerHoldOut: {"share": 0.4},
    OversampleGroup: {"group": {"gender": "male"}},
    TorchvisionBackbone: {"name": "shufflenet_v2_x0_5"},
    Ldam: {"reweight_from": 0.5},
    Step: {"step_epochs": 1},
}
"""What a kind needs, or what makes it fit for two epochs of a few photos; all others are taken at their defaults."""

LEFT_OUT: dict[type[Settings], str] = {
    PretrainedWeights: "it downloads",
    FacesWeights: "they have to be brought; tests/models/test_face_network.py has them",
    WeightsFile: "its file fits one backbone alone; tests/models/test_weights.py has it",
}

FURTHER: dict[str, dict[str, dict[str, Any]]] = {
    "freezing": {
        NONE: {},
        "backbone": {"train.freeze_backbone_epochs": 1},
        "stages": {"train.unfreeze_epochs": [0, 1]},
        "one cached view": {"train.freeze_backbone_epochs": 2, "train.cached_views": 1},
        "cached views": {"train.freeze_backbone_epochs": 2, "train.cached_views": 2},
    },
    "loss.classes": {"all": {}, "present": {"loss.classes": "present"}},
    "model.head.gender": {"linear": {}, "published": {"model.head.gender": "published"}},
    "model.backbone.features": {"default": {}, "last": {"model.backbone.features": "last"}},
    "train.layer_decay": {NONE: {}, "0.75": {"train.layer_decay": 0.75}},
    "train.ema_decay": {NONE: {}, "0.9": {"train.ema_decay": 0.9}},
    "train.accumulate_batches": {"1": {}, "2": {"train.accumulate_batches": 2, "train.batch_size": 4}},
    "train.precision": {
        str(word): {"train.precision": word}
        for word in get_args(TrainConfig.model_fields["precision"].annotation)
        if word not in ("fp16", "auto")  # it needs a GPU; it stands for another
    },
    "input.crop.decoding": {"full": {}, "reduced": {"input.crop.decoding": "reduced"}},
    "predict.views": {"as_is": {}, "both": {"predict.views": ["as_is", "mirrored"]}},
}
"""Choices without a kind: factor → option → settings by address."""


MOST_NEEDED = 2
"""How many other options an option may need."""


@dataclass(frozen=True, order=True)
class Option:
    """One choice of one factor: a kind at an address."""

    factor: str
    name: str
    settings: Mapping[str, Any] = field(compare=False, repr=False, default_factory=dict)
    """Values by address."""


Row = dict[str, Option]
"""An option for each factor that it names."""
Pair = frozenset[Option]


@dataclass(frozen=True)
class Design:
    """The covering design."""

    rows: tuple[Row, ...]
    """Whole recipes, one option a factor."""
    possible: frozenset[Pair]
    refused: Mapping[Pair, tuple[str, ...]]
    """Pairs that no recipe can hold, and what is said of one that tries."""


def settings_of(row: Row) -> dict[str, Any]:
    """``BASE`` with the options of ``row``."""
    settings = copy.deepcopy(BASE)
    # What stands above is set before what is in it.
    for option in sorted(row.values(), key=lambda each: each.factor.count(".")):
        for address, value in option.settings.items():
            *parents, last = address.split(".")
            place = settings
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = copy.deepcopy(value)
    return settings


def problems_of(row: Row) -> list[str]:
    """What is refused of the recipe of ``row``, one line each; nothing for a legal one."""
    try:
        recipe_of(row)
    except ValidationError as error:
        return explain(error, Recipe)
    return []


def recipe_of(row: Row) -> Recipe:
    """The recipe of ``row``; ``ValidationError`` where it is refused."""
    return Recipe.model_validate_json(json.dumps(settings_of(row)))


# --- the factors ---------------------------------------------------------------------------------------------------


@cache
def factors() -> dict[str, tuple[Option, ...]]:
    """Every factor and its options, that of ``BASE`` first, as it is the cheapest."""
    found: dict[str, dict[str, Option]] = {}
    for option in _options(Recipe):
        found.setdefault(option.factor, {}).setdefault(option.name, option)
    for factor, options in FURTHER.items():
        found[factor] = {name: Option(factor, name, settings) for name, settings in options.items()}
    return {
        factor: tuple(sorted(options.values(), key=lambda option: not _is_base(option)))
        for factor, options in found.items()
    }


def _is_base(option: Option) -> bool:
    return settings_of({option.factor: option}) == BASE or option.name == NONE


def _options(model: type[Settings], above: str = "") -> Iterator[Option]:
    """The options of every tagged union below ``model``; optional groups without a kind, and lists of them, aside."""
    for name, info in model.model_fields.items():
        address, annotation = f"{above}{name}", info.annotation
        is_list = get_origin(annotation) is tuple
        members = list(_members(get_args(annotation)[0] if is_list else annotation))
        if not members:
            continue
        may_miss = is_list or type(None) in get_args(annotation)
        if "kind" in members[0].model_fields:
            # Within a kind: loss.class_weights, say, which is no setting of the other kinds.
            inside = "kind" in model.model_fields
            yield from _options_of_union(address, members, is_list=is_list, may_miss=may_miss, inside=inside)
        elif len(members) == 1 and not may_miss:
            yield from _options(members[0], f"{address}.")


def _options_of_union(
    address: str, members: list[type[Settings]], *, is_list: bool, may_miss: bool, inside: bool
) -> Iterator[Option]:
    if may_miss or inside:
        yield Option(address, NONE, {})
    for member in members:
        kind = str(member.model_fields["kind"].default)
        if kind in REFUSED_KINDS or member in LEFT_OUT or (inside and kind == NONE):
            continue
        settings = {"kind": kind, **SETTINGS.get(member, {})}
        yield Option(address, kind, {address: [settings] if is_list else settings})
        if not is_list:
            yield from _options(member, f"{address}.")


def _members(annotation: Any) -> Iterator[type[Settings]]:
    """The settings classes of a union, or of one class; nothing where the annotation is another."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    elif get_origin(annotation) is not tuple:
        for part in get_args(annotation):
            yield from _members(part)


# --- the design ----------------------------------------------------------------------------------------------------


@cache
def design() -> Design:
    """Whole recipes that hold every pair of options that can stand together."""
    completed: dict[Pair, Row] = {}
    refused: dict[Pair, tuple[str, ...]] = {}
    needs = {option: _needs(option) for options in factors().values() for option in options}
    for one, two in _all_pairs():
        row = _completed(one, two, needs)
        if row is None:
            refused[frozenset((one, two))] = tuple(problems_of({**needs[one], **needs[two], **_row(one, two)}))
        else:
            completed[frozenset((one, two))] = row
    return Design(tuple(_cover(completed)), frozenset(completed), refused)


def pairs_of(row: Row) -> set[Pair]:
    """Every two options of ``row``."""
    return {frozenset(pair) for pair in itertools.combinations(row.values(), 2)}


def _all_pairs() -> Iterator[tuple[Option, Option]]:
    for one, two in itertools.combinations(factors().values(), 2):
        yield from itertools.product(one, two)


def _row(*options: Option) -> Row:
    return {option.factor: option for option in options}


def _needs(option: Option) -> Row:
    """The options of others without which ``option`` is refused, as few as can be; as a rule none."""
    rows = [_row(option)]
    for _ in range(MOST_NEEDED + 1):
        problems = [(row, problems_of(row)) for row in rows]
        for row, lines in problems:
            if not lines:
                return {factor: other for factor, other in row.items() if other != option}
        rows = [{**row, **_row(other)} for row, lines in problems for other in _named(lines) if other.factor not in row]
    raise AssertionError(f"{option} must be legal with at most {MOST_NEEDED} others; give it settings in SETTINGS")


def _named(lines: list[str]) -> Iterator[Option]:
    """The options of every factor that ``lines`` name, and of those within such a one."""
    text = " ".join(lines)
    named = {factor for factor in factors() if factor in text}
    for factor, options in factors().items():
        if factor in named or factor.rpartition(".")[0] in named:
            yield from options


def _completed(one: Option, two: Option, needs: Mapping[Option, Row]) -> Row | None:
    """A legal row with both, as little else in it as can be; None where there is none."""
    begun = {**needs[one], **needs[two], **_row(one, two)}
    if not (lines := problems_of(begun)):
        return begun
    for other in _named(lines):
        row = {**begun, **_row(other), **_row(one, two)}
        if not problems_of(row):
            return row
    return None


def _cover(completed: Mapping[Pair, Row]) -> Iterator[Row]:
    """Rows until every pair is covered: each begins with an open pair and takes up as many others as it can."""
    left = dict.fromkeys(sorted(completed, key=sorted))
    while left:
        row = dict(completed[next(iter(left))])
        for factor, options in factors().items():
            if factor not in row:
                row[factor] = _most_telling(options, row, left, completed)
        if problems_of(row):  # three options that fit in pairs alone
            row = {factor: options[0] for factor, options in factors().items()} | completed[next(iter(left))]
        yield row
        for pair in pairs_of(row):
            left.pop(pair, None)


def _most_telling(
    options: tuple[Option, ...], row: Row, left: Mapping[Pair, None], completed: Mapping[Pair, Row]
) -> Option:
    """The option that covers most open pairs with those of ``row``, of those that fit all of them; cheapest first."""
    fitting = [option for option in options if all(frozenset((option, other)) in completed for other in row.values())]
    return max(
        fitting or options[:1],
        key=lambda option: sum(frozenset((option, other)) in left for other in row.values()),
    )
