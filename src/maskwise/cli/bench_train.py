"""``maskwise bench train``."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from maskwise.cli.options import (
    CacheOption,
    DataOption,
    JsonOption,
    RecipeArgument,
    SetOption,
    cache_folder,
    refuse_missing_folder,
)
from maskwise.errors import UserError, must


def train(
    recipe: RecipeArgument,
    data: DataOption,
    set_: SetOption = None,
    seconds: Annotated[
        float, typer.Option(min=1.0, metavar="S", help="Total duration of the measurement, in seconds.")
    ] = 60.0,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Rounds of interleaved measurements.")] = 5,
    json_: JsonOption = False,
    profile: Annotated[bool, typer.Option("--profile", help="Print a profile by operation instead.")] = False,
    cache: CacheOption = None,
) -> None:
    """Measure photos per second of a recipe's training, of its bare step, and of a plain loop with the same network.

    Weights are random; only the cache of decoded photos is kept. Ratios are medians of pairs.
    """
    from maskwise.recipe.load import load_recipe

    if json_ and profile:
        raise UserError(
            must("--json and --profile", "given one at a time", "both", "The profile is a table for people.")
        )
    loaded = load_recipe(recipe, set_ or [])
    refuse_missing_folder("--data", data)

    from maskwise.speed.training import bench_training, profile_training

    if profile:
        typer.echo(profile_training(loaded, data, cache_folder(cache), seconds))
        return
    found = bench_training(loaded, data, cache_folder(cache), seconds, rounds)
    if json_:
        typer.echo(json.dumps(dataclasses.asdict(found)))
        return
    typer.echo(f"{found.model}, {found.way}, {found.threads} threads, medians of {found.rounds} rounds")
    typer.echo(f"whole loop   {found.loop:7.1f} photos/s")
    typer.echo(f"bare step    {found.step:7.1f} photos/s   loop / step  {found.loop_to_step:.3f}")
    typer.echo(f"plain loop   {found.plain:7.1f} photos/s   loop / plain {found.loop_to_plain:.2f}")
