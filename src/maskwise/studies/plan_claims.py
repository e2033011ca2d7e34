"""Which runs the claims need, in two sizes: every arm with every seed, each run once. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from maskwise.errors import RecipeError, UserError, must, nearest
from maskwise.models.published import is_here
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import change_recipe
from maskwise.studies.budgets import Budget, Changes, scoreless, sized_recipe
from maskwise.studies.claim_arms import CLAIMS, Arm, Claim, PairedTest
from maskwise.studies.set_facts import NOTHING_KNOWN, SetFacts, unmet

REFERENCE = "claims"
"""The shipped recipe that every arm changes."""

SMALL_CLAIMS = Budget("small", ())
"""For CPU cores: heads on cached features of a frozen backbone, and the recipe as it is shipped for what they cannot
show."""


def _every(recipe: Recipe) -> bool:  # noqa: ARG001  (a rule takes a recipe, also where it uses nothing)
    return True


FULL_CLAIMS = Budget(
    "full",
    (
        Changes(
            "every arm",
            _every,
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

_HEADS = Changes(
    "arms that are not fine-tuned",
    _every,
    (
        "input.height_px=128",
        "input.width_px=112",
        "augment=[]",
        "model.neck={kind: linear, features: 256, activation: relu}",
        "model.dropout=0.5",
        "train.epochs=10",
        "train.batch_size=128",
        "train.optimizer.rate=0.002",
        "train.warmup_epochs=0.5",
        "train.freeze_backbone_epochs=10",
        "train.cached_views=1",
    ),
)
"""Of each photo as it is, so that all seeds share the features."""

_FACES = Changes(
    "those, as the face network is here", _every, ("model.backbone={kind: faces}", "model.weights={kind: faces}")
)

SETTLED_BY = {"D": "5"}
"""A question that the runs of a claim settle: why half precision costs nothing."""

DEFAULT_SEEDS, DEFAULT_TUNED_SEEDS = 5, {SMALL_CLAIMS.name: 2, FULL_CLAIMS.name: 5}
"""Of arms on features, and of fine-tuned ones, which cost twenty times as much."""


@dataclass(frozen=True)
class PlannedRun:
    """An arm with one seed, and the recipe that will be trained for it."""

    arm: Arm
    seed: int
    recipe: Recipe


@dataclass(frozen=True)
class Untestable:
    """A test that the set at hand cannot carry."""

    claim: Claim
    test: PairedTest
    reason: str


@dataclass(frozen=True)
class ClaimsPlan:
    """The claims that are tested, and all runs that they need."""

    claims: tuple[Claim, ...]
    runs: tuple[PlannedRun, ...]
    """All arms of seed 0, then those of seed 1 …: of a stopped series the seeds that are whole can be read."""
    untestable: tuple[Untestable, ...] = ()


def plan_claims(
    budget: Budget,
    seeds: int | None = None,
    own_changes: Sequence[str] = (),
    claims: Sequence[Claim] = CLAIMS,
    facts: SetFacts = NOTHING_KNOWN,
) -> ClaimsPlan:
    """The runs of ``claims`` in the size of ``budget`` with the seeds 0 … ``seeds`` - 1; None is the budget's own.

    ``own_changes`` (``path=value``) change the reference, and so every arm; what an arm is about comes after them.
    ``RecipeError`` with all problems, also where two arms that are compared would be the same run.
    """
    _refuse_fixed(own_changes)
    untestable = tuple(_untestable(claims, facts))
    feasible = tuple(_feasible(claim, budget, {each.test for each in untestable}) for claim in claims)
    feasible = tuple(claim for claim in feasible if claim.tests)
    arms = dict.fromkeys(arm for claim in feasible for test in claim.tests for arm in (test.a, test.b))
    # One bad change is bad in every arm: it is reported for the references.
    references = {tuned: _reference(budget, own_changes, tuned=tuned) for tuned in {arm.tuned for arm in arms}}
    recipes, problems = _arm_recipes({arm: references[arm.tuned] for arm in arms}, facts)
    problems = _without_scores(feasible, references) or problems or _same_arms(feasible, recipes)
    if problems:
        raise RecipeError(problems)
    counts = {arm: _seeds_of(arm, budget, seeds) for arm in recipes}
    runs = tuple(
        _planned(arm, seed, recipe, budget)
        for seed in range(max(counts.values(), default=0))
        for arm, recipe in recipes.items()
        if seed < counts[arm]
    )
    return ClaimsPlan(feasible, runs, untestable)


def features_of(budget: Budget, own_changes: Sequence[str]) -> Budget:
    """The size of the arms that are not fine-tuned: in the small one, heads on features of the best backbone here."""
    if budget is FULL_CLAIMS:
        return budget
    # The backbone stands still in all epochs, however many there are.
    epochs = [change.partition("=")[2] for change in own_changes if change.partition("=")[0].strip() == "train.epochs"]
    paths = ("train.epochs", "train.freeze_backbone_epochs") if epochs else ()
    settings = [each for each in _HEADS.settings if each.partition("=")[0] not in paths]
    settings += [f"{path}={epochs[-1]}" for path in paths]
    heads = Changes(_HEADS.of_what, _every, tuple(settings))
    return Budget(budget.name, (heads, *([_FACES] if is_here("faces") else [])))


def _reference(budget: Budget, own_changes: Sequence[str], *, tuned: bool) -> Recipe:
    """The recipe that arms change: the shipped one, or for heads on cached features that with a frozen backbone."""
    return sized_recipe(REFERENCE, REFERENCE, budget if tuned else features_of(budget, own_changes), own_changes)


def _seeds_of(arm: Arm, budget: Budget, seeds: int | None) -> int:
    return seeds or (DEFAULT_TUNED_SEEDS[budget.name] if arm.tuned else DEFAULT_SEEDS)


def _planned(arm: Arm, seed: int, recipe: Recipe, budget: Budget) -> PlannedRun:
    name = f"claims-{budget.name}-{arm.name}-seed-{seed}"
    return PlannedRun(arm, seed, recipe.model_copy(update={"name": name, "seed": seed}))


def _arm_recipes(reference_of_arm: dict[Arm, Recipe], facts: SetFacts) -> tuple[dict[Arm, Recipe], list[str]]:
    """The recipe of each arm, and what is wrong with the others."""
    recipes: dict[Arm, Recipe] = {}
    problems: dict[str, None] = {}
    for arm, reference in reference_of_arm.items():
        try:
            recipes[arm] = _arm_recipe(arm, reference, facts)
        except RecipeError as error:
            problems |= dict.fromkeys(error.problems)
    return recipes, list(problems)


def _arm_recipe(arm: Arm, reference: Recipe, facts: SetFacts) -> Recipe:
    changes = [*arm.changes]
    if arm.steps_of is not None:
        longer = change_recipe(reference, f"arm {arm.steps_of.words}", arm.steps_of.changes)
        epochs = max(1, round(reference.train.epochs * facts.epoch_length(longer)))
        changes.append(f"train.epochs={epochs}")
        if reference.train.cached_views is not None:
            changes.append(f"train.freeze_backbone_epochs={epochs}")
    return change_recipe(reference, f"arm {arm.words}", changes)


def _untestable(claims: Sequence[Claim], facts: SetFacts) -> Iterator[Untestable]:
    for claim in claims:
        for test in claim.tests:
            reason = None if test.needs is None else unmet(test.needs, facts)
            if reason is not None:
                yield Untestable(claim, test, reason)


def choose_claims(numbers: Sequence[str]) -> tuple[Claim, ...]:
    """The claims of these numbers, in the order of the table; all of them for none. ``UserError`` for others."""
    legal = [*(claim.number for claim in CLAIMS), *SETTLED_BY]
    wanted = [number.upper() for number in numbers]
    problems = [
        must("--only", "the number of a claim or the letter of a question", number, nearest(number, legal))
        for number in wanted
        if number not in legal
    ]
    if problems:
        raise UserError(problems)
    settling = {SETTLED_BY.get(number, number) for number in wanted}
    return tuple(claim for claim in CLAIMS if not wanted or claim.number in settling)


def _feasible(claim: Claim, budget: Budget, untestable: set[PairedTest]) -> Claim:
    tests = tuple(
        test for test in claim.tests if test not in untestable and (budget is FULL_CLAIMS or not test.needs_gpu)
    )
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


def _without_scores(claims: Sequence[Claim], references: Mapping[bool, Recipe]) -> list[str]:
    """A line for each claim that needs scores which the references as changed will not have."""
    reference = next(iter(references.values()), None)
    if reference is None:
        return []
    return scoreless(reference) or [
        must(f"task.attributes of claim {claim.number}", f"with {wanted}", list(reference.task.attributes), _LEAVE_OUT)
        for claim in claims
        for wanted in dict.fromkeys(test.score_of for test in claim.tests)
        if wanted != "joint" and wanted not in reference.task.attributes
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
        # Before the data were looked at, an arm of equal steps is still the reference.
        if test.a.steps_of is None and id_of[test.a] == id_of[test.b]
    ]
    return list(dict.fromkeys(problems))
