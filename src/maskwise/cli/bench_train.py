"""``maskwise bench train``."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from maskwise.cli.options import CacheOption, DataOption, SetOption, cache_folder, refuse_missing_folder
from maskwise.errors import UserError, must


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name or a YAML file.")],
    data: DataOption,
    set_: SetOption = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to measure, in all.")] = 60.0,
    rounds: Annotated[int, typer.Option(min=1, help="Blocks of each loop, by turns.")] = 5,
    json_: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Only what takes the time: a table of operations.")
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Photos a second of a recipe's training, of its bare step, and of a plain DataLoader with the same net.

    Weights are random and nothing is kept but the pixel cache. The ratios are medians of pairs.
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
