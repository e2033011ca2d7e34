"""Verbs that try out what this machine can do."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

import typer

from maskwise.cli import bench_predict, bench_start, bench_train, bench_views
from maskwise.cli.options import JsonOption, RecipeArgument, SetOption

app = typer.Typer(
    help="Measure how fast this machine trains, predicts, decodes and starts up.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command(short_help="Measure prediction with a bundle")(bench_predict.predict)
app.command(short_help="Measure decoding and caching of photos")(bench_predict.decode)
app.command(short_help="Measure the start-up of verbs")(bench_start.start)
app.command(short_help="Measure training with a recipe")(bench_train.train)
app.command(short_help="Measure what a second view of each photo gains a run")(bench_views.views)


def batch_size(
    recipe: RecipeArgument,
    set_: SetOption = None,
    limit: Annotated[int, typer.Option(min=2, metavar="N", help="Largest batch to try.")] = 512,
    as_json: JsonOption = False,
) -> None:
    """Find the largest batch that fits into memory, by training on random pixels; needs no data set."""
    from maskwise.recipe.load import load_recipe

    loaded = load_recipe(recipe, set_ or [])

    from maskwise.fitting.try_batch_sizes import try_batch_sizes

    fits = try_batch_sizes(loaded, limit, partial(typer.echo, err=True))
    if as_json:
        typer.echo(json.dumps({"photos": fits, "limit": limit}))
    elif fits == limit:
        typer.echo(f"all sizes up to the limit fit: {fits} photos. Try more with --limit.")
    else:
        room = max(2, fits * 9 // 10)
        typer.echo(f"largest batch that fits: {fits} photos. Leave some room: --set train.batch_size={room}")
