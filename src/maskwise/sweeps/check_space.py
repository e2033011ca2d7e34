"""Whether every value of a space can make a legal recipe, before anything is trained. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.errors import RecipeError
from maskwise.seeds import rng_for
from maskwise.sweeps.dimensions import Label, Params, RandomPick, draw, grid_points, members
from maskwise.sweeps.load_space import Sweep

_TRIES = 25
"""So many combinations with the other settings are tried before a value is called illegal."""


def check_space(sweep: Sweep) -> str | None:
    """Refuse a space with a value that no combination allows; ``RecipeError`` names each, one line per problem.

    Returns a line for people where some combinations are refused, else None. A grid is checked whole; otherwise
    combinations are sampled, so rare refusals may not be seen: such a run is skipped with its reason.
    """
    combinations = combinations_to_try(sweep)
    refusals = [refusal(sweep, params) for params in combinations]
    legal = [params for params, why in zip(combinations, refusals, strict=True) if not why]
    problems = _illegal_members(sweep, legal)
    if not problems and not legal:
        problems = list(dict.fromkeys(line for why in refusals for line in why))
    if problems:
        raise RecipeError(problems)
    refused = [why for why in refusals if why]
    if not refused:
        return None
    share = len(refused) / len(refusals)
    return f"about {share:.0%} of the combinations are refused and will be skipped, for example: {refused[0][0]}"


def refusal(sweep: Sweep, params: Params) -> tuple[str, ...]:
    """Why a proposal makes no legal recipe; empty where it makes one."""
    try:
        sweep.recipe(params, sweep.space.name)
    except RecipeError as error:
        return error.problems
    return ()


def combinations_to_try(sweep: Sweep) -> list[dict[str, Label]]:
    """All points of a grid; of another space some that are sampled. ``RecipeError`` for a grid that is none."""
    if sweep.space.sampler.kind == "grid":
        return grid_points(sweep.dimensions)
    pick = RandomPick(rng_for(sweep.space.seed, "check"))
    return [draw(sweep.dimensions, pick) for _ in range(_TRIES)]


def _illegal_members(sweep: Sweep, legal: Sequence[Params]) -> list[str]:
    """The lines of every value that is refused alone, beside each value that is not, and in legal combinations."""
    why = [[(member, refusal(sweep, member)) for member in members(each)] for each in sweep.dimensions]
    problems: list[str] = []
    for place, row in enumerate(why):
        fine = [other for k, others in enumerate(why) if k != place for other, lines in others if not lines]
        for member, lines in row:
            if lines and all(refusal(sweep, {**beside, **member}) for beside in (*fine, *legal)):
                problems += lines
    return list(dict.fromkeys(problems))
