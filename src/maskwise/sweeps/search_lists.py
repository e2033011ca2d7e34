"""What a search tries on top of a recipe, each alternative by itself, and the plan that comes of it. No torch.

The lists are made from the unions of the settings, so a new kind is tried without a word here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from maskwise.augment.config import AugmentConfig, MixingConfig
from maskwise.errors import RecipeError, must, nearest
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import change_recipe
from maskwise.recipe.optimizer_config import SGD, OptimizerConfig
from maskwise.settings import Settings, kind_of, members_of

Scaling = Literal["none", "linear", "sqrt"]
"""How the rate follows the batch size."""

RATE_FACTORS = (0.3, 1.0, 3.0)
"""The rates of an optimizer that are tried, as multiples of its default; of the recipe's own optimizer, of its rate."""
BATCH_SIZES = (16, 32, 64, 128)
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Alternative:
    """One thing to try on top of a recipe."""

    what: str
    """In words: ``with affine``."""
    word: str
    """By which a list names it: ``affine``."""
    changes: tuple[str, ...]
    """``path=value``, as ``--set`` takes them."""


@dataclass(frozen=True)
class PlannedArm:
    """What is tried, and its recipes: one a seed, else alike."""

    what: str
    changes: tuple[str, ...]
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class SearchPlan:
    """The recipe as it is, and what is compared with it."""

    reference: PlannedArm
    alternatives: tuple[PlannedArm, ...]
    left_out: tuple[str, ...]
    """A line for each alternative that the recipe does not allow, with the reason."""


def augmentations_to_try(recipe: Recipe) -> list[Alternative]:
    """Every augmentation and every mixing: added at its defaults, or left out where the recipe has it."""
    photo_kinds = [_augmentation(recipe, kind) for kind in map(kind_of, members_of(AugmentConfig))]
    return [*photo_kinds, *(_mixing(recipe, kind) for kind in map(kind_of, members_of(MixingConfig)) if kind != "none")]


def optimizers_to_try(recipe: Recipe) -> list[Alternative]:
    """Every optimizer at its default rate and at 0.3 and 3 times that; its other settings are its defaults.

    The recipe's own optimizer keeps its other settings, and its rates are multiples of the recipe's.
    """
    found = []
    for member in members_of(OptimizerConfig):
        kind, own = kind_of(member), recipe.train.optimizer
        middle = own.rate if isinstance(own, member) else member.model_fields["rate"].default
        for rate in (_rounded(factor * middle) for factor in RATE_FACTORS):
            changes = (f"train.optimizer.kind={kind}", f"train.optimizer.rate={rate}")
            found.append(Alternative(f"{kind} at {rate:g}", kind, changes))
    return found


def batch_sizes_to_try(recipe: Recipe, sizes: Sequence[int], scaling: Scaling | None) -> list[Alternative]:
    """Every batch size of ``sizes``, the rate (and the average of weights) scaled with it.

    Unset, ``scaling`` is by the optimizer: linear for sgd (Goyal et al. 2017, arXiv 1706.02677), else by the square
    root (Malladi et al. 2022, arXiv 2205.10287). Where the rate is scaled, ``ema_decay`` to the power of the ratio
    keeps the average's reach in photos (Busbridge et al. 2023, arXiv 2307.13813).
    """
    rule = scaling or ("linear" if isinstance(recipe.train.optimizer, SGD) else "sqrt")
    return [_batch_size(recipe, size, rule) for size in dict.fromkeys(sizes)]


def chosen_alternatives(found: Sequence[Alternative], words: Sequence[str] | None) -> list[Alternative]:
    """The alternatives that ``words`` name, all without words. ``RecipeError`` names unknown words."""
    if words is None:
        return list(found)
    legal = {alternative.word for alternative in found}
    unknown = [must("--list", "of known words", word, nearest(word, legal)) for word in words if word not in legal]
    if unknown:
        raise RecipeError(unknown)
    return [alternative for alternative in found if alternative.word in words]


def plan_search(recipe: Recipe, found: Sequence[Alternative], seeds: int, *, by_name: bool) -> SearchPlan:
    """The recipes of the reference and of all alternatives, with ``seeds`` seeds each, from the recipe's own on.

    An alternative that is the recipe itself is no alternative. One that the recipe refuses is left out, or, named
    ``by_name``, a ``RecipeError``; so is a search without any alternative or without people to score.
    """
    if recipe.split.kind == "everyone":
        raise RecipeError(must("split.kind", "hold_out or k_fold for a search", "everyone", "Nobody would be scored."))
    reference = PlannedArm("the recipe as it is", (), _with_seeds(recipe, seeds))
    arms: list[PlannedArm] = []
    left_out: list[str] = []
    for alternative in found:
        try:
            changed = _changed(recipe, alternative)
        except RecipeError as error:
            left_out += error.problems
            continue
        # Without the data the id is that of the settings alone.
        if run_id(changed, "") != run_id(recipe, ""):
            arms.append(PlannedArm(alternative.what, alternative.changes, _with_seeds(changed, seeds)))
    if left_out and (by_name or not arms):
        raise RecipeError(left_out)
    if not arms:
        raise RecipeError("a search must have something to try, got the recipe alone. Name others with --list.")
    return SearchPlan(reference, tuple(arms), tuple(left_out))


def _augmentation(recipe: Recipe, kind: str) -> Alternative:
    if any(entry.kind == kind for entry in recipe.augment):
        entries = [_short(entry) for entry in recipe.augment if entry.kind != kind]
        return Alternative(f"without {kind}", kind, (f"augment={json.dumps(entries)}",))
    entries = [*map(_short, recipe.augment), {"kind": kind}]
    return Alternative(f"with {kind}", kind, (f"augment={json.dumps(entries)}",))


def _mixing(recipe: Recipe, kind: str) -> Alternative:
    if recipe.mixing.kind == kind:
        return Alternative(f"without {kind}", kind, ("mixing.kind=none",))
    before = "" if recipe.mixing.kind == "none" else f" for {recipe.mixing.kind}"
    return Alternative(f"with {kind}{before}", kind, (f"mixing.kind={kind}",))


def _batch_size(recipe: Recipe, size: int, rule: Scaling) -> Alternative:
    ratio = size / recipe.train.batch_size
    rate, factor = recipe.train.optimizer.rate, _scale_of(rule)(ratio)
    changes = [f"train.batch_size={size}"]
    scaled = rate if factor == 1 else _rounded(rate * factor)
    if scaled != rate:
        changes.append(f"train.optimizer.rate={scaled}")
    if rule != "none" and recipe.train.ema_decay is not None and ratio != 1:
        changes.append(f"train.ema_decay={recipe.train.ema_decay**ratio:.6g}")
    return Alternative(f"{size} photos at {scaled:g}", str(size), tuple(changes))


def _scale_of(rule: Scaling) -> Callable[[float], float]:
    match rule:
        case "none":
            return lambda ratio: 1.0  # noqa: ARG005  (the rate follows nothing)
        case "linear":
            return lambda ratio: ratio
        case "sqrt":
            return math.sqrt
        case _:
            assert_never(rule)


def _changed(recipe: Recipe, alternative: Alternative) -> Recipe:
    suffix = re.sub(r"[^\w.-]", "-", alternative.what)
    name = f"name={recipe.name[: _LONGEST_NAME - len(suffix) - 1]}-{suffix}"
    return change_recipe(recipe, alternative.what, [*alternative.changes, name])


def _with_seeds(recipe: Recipe, seeds: int) -> tuple[Recipe, ...]:
    return tuple(recipe.model_copy(update={"seed": recipe.seed + k}) for k in range(seeds))


def _short(entry: Settings) -> dict[str, Any]:
    """The settings of a kind that differ from its defaults, and the kind."""
    return {"kind": kind_of(type(entry)), **entry.model_dump(mode="json", exclude_defaults=True)}


def _rounded(rate: float) -> float:
    """To three digits, so that a table can show it whole."""
    return float(f"{rate:.3g}")
