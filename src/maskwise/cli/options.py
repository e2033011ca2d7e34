"""Options that several verbs share, each with one wording."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from maskwise.errors import UserError, must

DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Data set in the competition's layout (train/, eval/).")
]
StoreOption = Annotated[Path, typer.Option("--store", metavar="DIR", help="Folder that keeps the runs.")]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Folder of decoded pixels; may be deleted at any time.",
        show_default="~/.cache/maskwise",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Plain lines instead of progress bars.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what exists already.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one setting of the recipe, e.g. train.epochs=8. Repeatable."
    ),
]
CorrectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--corrections", metavar="CSV", help="List of wrong labels to put right first (or: consensus). Repeatable."
    ),
]
MirrorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror", metavar="KIND:PLACE", help="Show the training in tensorboard:DIR or mlflow:URI, too. Repeatable."
    ),
]

DEFAULT_STORE = Path("runs")


def refuse_missing_folder(thing: str, folder: Path) -> None:
    """Refuse a folder that is not there before anything slow is loaded."""
    if not folder.is_dir():
        got = "a file of that name" if folder.exists() else "none of that name"
        raise UserError(must(f"{thing} {folder}", "a folder", got, "Check the path."))


def cache_folder(chosen: Path | None) -> Path:
    """The pixel cache: as chosen, else the user's cache folder."""
    if chosen is not None:
        return chosen
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maskwise"
