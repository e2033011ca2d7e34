"""Verbs that try out what this machine can do."""

from __future__ import annotations

from typing import Annotated

import typer

from maskwise.cli import bench_predict, bench_start, bench_train
from maskwise.cli.options import SetOption

app = typer.Typer(help="How fast this machine is with maskwise, and what bounds it.", no_args_is_help=True)
app.command()(bench_predict.predict)
app.command()(bench_predict.decode)
app.command()(bench_start.start)
app.command()(bench_train.train)


def batch_size(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name or a YAML file.")],
    set_: SetOption = None,
    limit: Annotated[int, typer.Option(min=2, help="The largest batch to try, in photos.")] = 512,
) -> None:
    """Find the largest batch that fits into memory, by training steps on random pixels; no data set is needed."""
    from maskwise.recipe.load import load_recipe

    loaded = load_recipe(recipe, set_ or [])

    from maskwise.fitting.try_batch_sizes import try_batch_sizes

    fits = try_batch_sizes(loaded, limit, typer.echo)
    if fits == limit:
        typer.echo(f"all sizes up to the limit fit: {fits} photos. Try more with --limit.")
    else:
        room = max(2, fits * 9 // 10)
        typer.echo(f"largest batch that fits: {fits} photos. Leave some room: --set train.batch_size={room}")
