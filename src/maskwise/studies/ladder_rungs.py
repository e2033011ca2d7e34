"""The rungs of the ladder, the two sizes in which it can be climbed, and the plan that comes of both. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskwise.ensembles.config import EnsembleConfig, HardVote, SoftVote
from maskwise.errors import RecipeError
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.studies import budgets
from maskwise.studies.budgets import Budget, Changes, scoreless


@dataclass(frozen=True)
class Vote:
    """The answer of a day that joined models: a vote of its own run and those of earlier days."""

    kind: EnsembleConfig
    with_days: tuple[str, ...]


@dataclass(frozen=True)
class Rung:
    """One day: the shipped recipe that retraces it, and the vote that was its answer, if it was one."""

    day: str
    """A key of ``published_ladder.PUBLISHED``."""
    recipe: str
    vote: Vote | None = None

    @property
    def title(self) -> str:
        """``day 6``; ``final`` stands alone."""
        return f"day {self.day}" if self.day[0].isdigit() else self.day


RUNGS: tuple[Rung, ...] = (
    Rung("1", "ladder/day-01"),
    Rung("2", "ladder/day-02"),
    Rung("3", "ladder/day-03"),
    Rung("4–5", "ladder/day-04"),
    Rung("6", "ladder/day-06"),
    Rung("7", "ladder/day-07"),
    Rung("8", "ladder/day-08"),
    Rung("9", "ladder/day-09"),
    Rung("10", "ladder/day-10", Vote(SoftVote(), ("6", "8"))),
    Rung("11", "ladder/day-11", Vote(HardVote(), ("6", "10"))),
    Rung("final", "final"),
)


FULL = Budget("full", ())
"""The recipes as they are shipped."""

SMALL = Budget(
    "small",
    (
        Changes(
            "every rung",
            lambda recipe: True,  # noqa: ARG005  (a rule takes a recipe, also where it asks nothing)
            (
                "input.height_px=112",
                "input.width_px=96",
                "train.epochs=2",
                "train.precision=fp32",
                "train.checkpoint.kind=last",
            ),
        ),
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
    ),
)
"""Two epochs of the bundled backbone on small photos, for two CPU cores."""


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
            plan.append(PlannedRung(rung, sized_recipe(rung, budget, own_changes)))
        except RecipeError as error:
            # One bad change is bad on every rung: it is told once.
            for problem in error.problems:
                problems.setdefault(problem.removeprefix(f"recipe {rung.recipe}: "), problem)
    told = list(problems.values()) or scoreless(plan[0].recipe) or _same_members(plan)
    if told:
        raise RecipeError(told)
    return plan


def sized_recipe(rung: Rung, budget: Budget, own_changes: Sequence[str] = ()) -> Recipe:
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
