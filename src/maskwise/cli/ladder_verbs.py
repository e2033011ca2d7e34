"""``maskwise ladder``: the source write-up's eleven days on the user's data."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from maskwise.cli import engine_options
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    DataOption,
    JsonOption,
    QuietOption,
    SetOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)

if TYPE_CHECKING:
    from maskwise.studies.budgets import Budget


class BudgetWord(StrEnum):
    """The words of ``--budget``."""

    SMALL = "small"
    FULL = "full"


def ladder(
    data: DataOption,
    budget: Annotated[
        BudgetWord,
        typer.Option(help="small: under an hour on two CPU cores for 9,000 photos. full: as shipped, for a GPU."),
    ] = BudgetWord.SMALL,
    set_: SetOption = None,
    engine: engine_options.TrainingEngineOption = engine_options.TrainingEngine.SERIAL,
    cores_per_run: engine_options.CoresOption = None,
    gpus_per_run: engine_options.GpusOption = None,
    ray_address: engine_options.AddressOption = None,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Retrace the source write-up from day 1 to its final recipe, and print its table beside yours.

    Every day is a run in the store. Repeat the command to resume. --set applies to every day.
    """
    from maskwise.studies.ladder_rungs import plan_ladder, small_budget

    size, own_changes = budget_of(budget), set_ or []
    plan = plan_ladder(size, own_changes)
    refuse_missing_folder("--data", data)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.studies.budgets import format_budget
    from maskwise.studies.climb_ladder import climb_ladder, score_ladder
    from maskwise.studies.format_ladder import format_ladder
    from maskwise.studies.set_facts import look_at_set
    from maskwise.text_table import screen_width, wrapped
    from maskwise.workflows.refuse_series import refuse_impossible_series
    from maskwise.workflows.run_recipe import Place

    refuse_impossible_series([planned.recipe for planned in plan])
    if budget is BudgetWord.SMALL:
        # The crops keep the shape that they have on these photos.
        size = small_budget(look_at_set(data, plan[0].recipe).photo_px)
        plan = plan_ladder(size, own_changes)
    changed = format_budget(size, own_changes, "every rung")
    trainer = engine_options.EngineWords(engine, cores_per_run, gpus_per_run, ray_address).chosen()
    place = Place(data=data, store=store, cache=cache_folder(cache))
    with listener(quiet) as console:
        for line in changed:
            console.on_note(line)
        climbed = climb_ladder(plan, place, sys.argv, console, trainer)
    scores = score_ladder(climbed)
    width = screen_width()
    typer.echo(
        plain_json(scores) if as_json else "\n".join([*wrapped(changed, width), "", format_ladder(scores, width)])
    )


def budget_of(word: BudgetWord) -> Budget:
    """The size that a word of ``--budget`` stands for."""
    from maskwise.studies.ladder_rungs import FULL, SMALL

    match word:
        case BudgetWord.SMALL:
            return SMALL
        case BudgetWord.FULL:
            return FULL
        case _:
            assert_never(word)
