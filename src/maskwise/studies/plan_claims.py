"""Which runs the claims need, in two sizes: every arm with every seed, each run once. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from maskwise.errors import RecipeError, UserError, must, nearest
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import change_recipe
from maskwise.studies.budgets import Budget, Changes, scoreless, sized_recipe
from maskwise.studies.claim_arms import CLAIMS, Arm, Claim

REFERENCE = "claims"
"""The shipped recipe that every arm changes."""

SMALL = Budget("small", ())
"""The recipe as it is shipped, for CPU cores."""

FULL = Budget(
    "full",
    (
        Changes(
            "every arm",
            lambda recipe: True,  # noqa: ARG005  (a rule takes a recipe, also where it asks nothing)
            (
                "input.height_px=224",
                "input.width_px=192",
                "model.backbone.kind=torchvision",
                "model.backbone.name=resnext50_32x4d",
                "model.weights.kind=pretrained",
                "train.epochs=12",
                "train.batch_size=64",
                "train.optimizer.rate=0.0001",
            ),
        ),
    ),
)
"""The write-up's backbone on photos of a usual size, for a GPU."""

ANSWERED_BY = {"D": "5"}
"""A question that the runs of a claim answer: why half precision costs nothing."""

DEFAULT_SEEDS = {SMALL.name: 2, FULL.name: 5}


@dataclass(frozen=True)
class PlannedRun:
    """An arm with one seed, and the recipe that will be trained for it."""

    arm: Arm
    seed: int
    recipe: Recipe


@dataclass(frozen=True)
class ClaimsPlan:
    """The claims that are tested, and all runs that they need."""

    claims: tuple[Claim, ...]
    runs: tuple[PlannedRun, ...]
    """All arms of seed 0, then those of seed 1 …: of a stopped series the seeds that are whole can be read."""
    n_seeds: int


def plan_claims(
    budget: Budget, n_seeds: int, own_changes: Sequence[str] = (), claims: Sequence[Claim] = CLAIMS
) -> ClaimsPlan:
    """The runs of ``claims`` in the size of ``budget`` with the seeds 0 … ``n_seeds`` - 1.

    ``own_changes`` (``path=value``) change the reference, and so every arm; what an arm is about comes after them.
    ``RecipeError`` with all problems, also where two arms that are compared would be the same run.
    """
    _refuse_fixed(own_changes)
    feasible = tuple(_feasible(claim, budget) for claim in claims)
    # One bad change is bad in every arm: it is told of the reference.
    reference = sized_recipe(REFERENCE, REFERENCE, budget, own_changes)
    recipes, problems = _arm_recipes(feasible, reference)
    problems = _unreadable(feasible, reference) or problems or _same_arms(feasible, recipes)
    if problems:
        raise RecipeError(problems)
    runs = tuple(_planned(arm, seed, recipe, budget) for seed in range(n_seeds) for arm, recipe in recipes.items())
    return ClaimsPlan(feasible, runs, n_seeds)


def _planned(arm: Arm, seed: int, recipe: Recipe, budget: Budget) -> PlannedRun:
    name = f"claims-{budget.name}-{arm.name}-seed-{seed}"
    return PlannedRun(arm, seed, recipe.model_copy(update={"name": name, "seed": seed}))


def _arm_recipes(claims: Sequence[Claim], reference: Recipe) -> tuple[dict[Arm, Recipe], list[str]]:
    """The recipe of each arm that ``claims`` need, and what is wrong with the others."""
    recipes: dict[Arm, Recipe] = {}
    problems: list[str] = []
    size = {"height_px": reference.input.height_px, "width_px": reference.input.width_px}
    for arm in dict.fromkeys(arm for claim in claims for test in claim.tests for arm in (test.a, test.b)):
        changes = [Template(change).substitute(size) for change in arm.changes]
        try:
            recipes[arm] = change_recipe(reference, f"arm {arm.words}", changes)
        except RecipeError as error:
            problems += error.problems
    return recipes, problems


def choose_claims(numbers: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of these numbers, in the order of the table; all of them for none. ``UserError`` for others."""
    legal = [*(claim.number for claim in CLAIMS), *ANSWERED_BY]
    wanted = [number.upper() for number in numbers]
    problems = [
        must("--only", "the number of a claim or the letter of a question", number, nearest(number, legal))
        for number in wanted
        if number not in legal
    ]
    if problems:
        raise UserError(problems)
    answering = {ANSWERED_BY.get(number, number) for number in wanted}
    return tuple(claim for claim in CLAIMS if not wanted or claim.number in answering)


def _feasible(claim: Claim, budget: Budget) -> Claim:
    tests = tuple(test for test in claim.tests if budget is FULL or not test.needs_gpu)
    return Claim(claim.number, claim.words, tests, claim.extras)


def _refuse_fixed(own_changes: Sequence[str]) -> None:
    """Name and seed are given by the series itself."""
    fixed = {"name": "Each run is named after its arm.", "seed": "Say how many with --seeds."}
    problems = [
        must("--set", f"of another setting than {path}", change, fixed[path])
        for change in own_changes
        if (path := change.partition("=")[0].strip()) in fixed
    ]
    if problems:
        raise RecipeError(problems)


def _unreadable(claims: Sequence[Claim], reference: Recipe) -> list[str]:
    """A line for each claim that needs scores which the reference as changed will not have."""
    return scoreless(reference) or [
        must(f"task.attributes of claim {claim.number}", f"with {reading}", list(reference.task.attributes), _LEAVE_OUT)
        for claim in claims
        for reading in dict.fromkeys(test.reading for test in claim.tests)
        if reading != "joint" and reading not in reference.task.attributes
    ]


_LEAVE_OUT = "Leave out the --set, or choose other claims with --only."


def _same_arms(claims: Sequence[Claim], recipes: dict[Arm, Recipe]) -> list[str]:
    """A line for each pair of arms that is one run: found before anything is trained."""
    # Without the data the id is that of the settings alone.
    id_of = {arm: run_id(recipe, "") for arm, recipe in recipes.items()}
    problems = [
        f"arms of claim {claim.number} must be different runs, got {test.a.words} and {test.b.words} alike. "
        f"{_LEAVE_OUT}"
        for claim in claims
        for test in claim.tests
        if id_of[test.a] == id_of[test.b]
    ]
    return list(dict.fromkeys(problems))
