"""The rungs of the ladder, the two sizes in which it can be climbed, and the plan that comes of both. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from maskwise.ensembles.config import EnsembleConfig, HardVote, SoftVote
from maskwise.errors import RecipeError
from maskwise.faces.config import CenterCrop, CropConfig, FaceCrop, FullFrame
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import load_recipe
from maskwise.studies import budgets
from maskwise.studies.budgets import Budget, Changes, scoreless


@dataclass(frozen=True)
class Vote:
    """The result of a day that joined models: a vote of its own run and those of earlier days."""

    kind: EnsembleConfig
    with_days: tuple[str, ...]


@dataclass(frozen=True)
class Rung:
    """One day: the shipped recipe that retraces it, and the vote that was its result, if it was one."""

    day: str
    """A key of ``published_ladder.PUBLISHED``."""
    recipe: str
    builds_on: str | None
    """The day whose settings it changes, and with which it is compared; None for the first."""
    vote: Vote | None = None

    @property
    def title(self) -> str:
        """``day 6``; ``final`` stands alone."""
        return f"day {self.day}" if self.day[0].isdigit() else self.day


RUNGS: tuple[Rung, ...] = (
    Rung("1", "ladder/day-01", None),
    Rung("2", "ladder/day-02", "1"),
    Rung("3", "ladder/day-03", "2"),
    Rung("4–5", "ladder/day-04", "3"),
    Rung("6", "ladder/day-06", "4–5"),
    Rung("7", "ladder/day-07", "6"),
    Rung("8", "ladder/day-08", "6"),
    Rung("9", "ladder/day-09", "6"),
    Rung("10", "ladder/day-10", "9", Vote(SoftVote(), ("6", "8"))),
    Rung("11", "ladder/day-11", "10", Vote(HardVote(), ("6", "10"))),
    Rung("final", "final", "11"),
)


FULL = Budget("full", ())
"""The recipes as they are shipped."""
_AREA_PX, _GRID_PX = 112 * 96, 8


def small_budget(photo_px: tuple[int, int]) -> Budget:
    """Two epochs of the bundled backbone on small photos, for two CPU cores; ``photo_px`` is a photo's usual size.

    Each rung keeps the shape that its crop has on such photos, so that no face is squeezed.
    """
    return Budget(
        "small",
        (
            Changes(
                "every rung",
                lambda recipe: True,  # noqa: ARG005  (a rule takes a recipe, also where it uses nothing)
                ("train.epochs=2", "train.precision=fp32", "train.checkpoint.kind=last"),
            ),
            *(_small_input(crop, photo_px) for crop in _crops()),
            Changes(
                "rungs with a pretrained backbone",
                lambda recipe: recipe.model.weights.kind == "pretrained",
                ("model.backbone.kind=timm", "model.backbone.name=tf_efficientnet_lite0", "model.weights.kind=bundled"),
            ),
            # At the rate of long trainings two epochs would end where the training has hardly begun.
            Changes(
                "rungs that train with adam",
                lambda recipe: recipe.train.optimizer.kind == "adam",
                ("train.optimizer.rate=0.001",),
            ),
            Changes(
                "rungs that freeze the backbone for one epoch of twelve (a sixth of an epoch here, so none)",
                lambda recipe: recipe.train.freeze_backbone_epochs > 0,
                ("train.freeze_backbone_epochs=0",),
            ),
        ),
    )


def _crops() -> list[CropConfig]:
    """The crops of all rungs, each once."""
    crops: list[CropConfig] = []
    for rung in RUNGS:
        crop = load_recipe(rung.recipe).input.crop
        crops += [] if crop in crops else [crop]
    return crops


def _small_input(crop: CropConfig, photo_px: tuple[int, int]) -> Changes:
    height, width = small_size(crop, photo_px)
    return Changes(
        f"rungs with the crop {crop.kind}",
        lambda recipe: recipe.input.crop == crop,
        (f"input.height_px={height}", f"input.width_px={width}"),
    )


def small_size(crop: CropConfig, photo_px: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the shape that ``crop`` has on photos of ``photo_px``, in about 112 × 96 pixels."""
    match crop:
        case FullFrame():
            height, width = map(float, photo_px)
        case CenterCrop():
            height, width = float(min(crop.height_px, photo_px[0])), float(min(crop.width_px, photo_px[1]))
        case FaceCrop():
            height, width = 1.0, crop.width_over_height
        case _:
            assert_never(crop)
    scale = math.sqrt(_AREA_PX / (height * width))
    return _on_grid(height * scale), _on_grid(width * scale)


def _on_grid(length: float) -> int:
    return max(_GRID_PX, _GRID_PX * round(length / _GRID_PX))


SMALL = small_budget((512, 384))
"""For photos of the competition's size."""


@dataclass(frozen=True)
class PlannedRung:
    """A rung and the recipe that will be trained for it."""

    rung: Rung
    recipe: Recipe


def plan_ladder(budget: Budget, own_changes: Sequence[str] = (), rungs: Sequence[Rung] = RUNGS) -> list[PlannedRung]:
    """The recipes of all rungs, changed by the budget and then by ``own_changes`` (``path=value``), every rung alike.

    ``RecipeError`` with the problems of all rungs, and where two members of a vote would be the same run.
    """
    plan: list[PlannedRung] = []
    problems: dict[str, str] = {}
    for rung in rungs:
        try:
            plan.append(PlannedRung(rung, sized_rung(rung, budget, own_changes)))
        except RecipeError as error:
            # One bad change is bad on every rung: it is reported once.
            for problem in error.problems:
                problems.setdefault(problem.removeprefix(f"recipe {rung.recipe}: "), problem)
    found = list(problems.values()) or scoreless(plan[0].recipe) or _same_members(plan)
    if found:
        raise RecipeError(found)
    return plan


def sized_rung(rung: Rung, budget: Budget, own_changes: Sequence[str] = ()) -> Recipe:
    """The recipe of ``rung`` in the size of ``budget``; ``own_changes`` come last, so they win."""
    name = f"ladder-{budget.name}-{rung.recipe.rpartition('/')[2]}"
    return budgets.sized_recipe(rung.recipe, name, budget, own_changes)


def _same_members(plan: Sequence[PlannedRung]) -> list[str]:
    """A line for each vote with two members that are one run: found before anything is trained."""
    planned = {each.rung.day: each for each in plan}
    problems = []
    for each in plan:
        days = (*each.rung.vote.with_days, each.rung.day) if each.rung.vote else ()
        # Without the data the id is that of the settings alone.
        if len({run_id(planned[day].recipe, "") for day in days}) < len(days):
            problems.append(
                f"members of the vote of {each.rung.title} must be different runs, got some alike of the days "
                f"{', '.join(days)}. Leave out the --set that makes them alike."
            )
    return problems
