"""Options that several verbs share, each with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from maskwise.cli.completion import complete_recipe, complete_run
from maskwise.errors import UserError, must
from maskwise.files import user_cache_folder

RUN_HELP = "Run id, unique prefix of one, name or path."
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=complete_run)]
RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A shipped recipe or a YAML file.", autocompletion=complete_recipe)
]
RecipesArgument = Annotated[
    list[str],
    typer.Argument(metavar="RECIPE…", help="Shipped recipes or YAML files.", autocompletion=complete_recipe),
]
DataOption = Annotated[
    Path, typer.Option("--data", "-d", metavar="DIR", envvar="MASKWISE_DATA", help="Data set: a folder with train/.")
]
OwnDataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "-d",
        metavar="DIR",
        envvar="MASKWISE_DATA",
        help="Data set: a folder with train/.",
        show_default="where the run was trained",
    ),
]
StoreOption = Annotated[
    Path, typer.Option("--store", metavar="DIR", envvar="MASKWISE_STORE", help="Folder with the runs.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        envvar="MASKWISE_CACHE",
        help="Cache of decoded photos; safe to delete.",
        show_default="~/.cache/maskwise",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print results only.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ClassesOption = Annotated[bool, typer.Option("--classes", help="Also print a line per joint class.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite what exists.")]
SkipOption = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out photos that cannot be read, and list them.")
]
SkippedAnywayOption = Annotated[
    bool,
    typer.Option("--skip-unreadable", help="No effect here: unreadable photos are always left out and listed."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a setting of the recipe, such as train.epochs=8. Repeatable."
    ),
]
LanguageOption = Annotated[
    Literal["en", "ko"] | None,
    typer.Option("--language", help="Language of the page.", show_default="the browser's"),
]
CorrectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--corrections", metavar="CSV", help="Label corrections to apply: a CSV file, or `consensus`. Repeatable."
    ),
]
MirrorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror", metavar="KIND:PLACE", help="Also log to tensorboard:DIR, mlflow:URI or wandb:PROJECT. Repeatable."
    ),
]

DEFAULT_STORE = Path("runs")


def refuse_missing_folder(thing: str, folder: Path) -> None:
    """Refuse a folder that is not there before anything slow is loaded."""
    if not folder.is_dir():
        got = "a file of that name" if folder.exists() else "none of that name"
        raise UserError(must(f"{thing} {folder}", "a folder", got, "Check the path."))


def refuse_before_verb(context: typer.Context) -> None:
    """Refuse options of a group that were typed before its verb, which has its own; variables may be set."""
    sources = map(context.get_parameter_source, context.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        name, verb = context.info_name, context.invoked_subcommand
        raise UserError(f"options of `{name} {verb}` must stand after {verb}, got some before. Move them there.")


def refuse_output(path: Path, force: bool) -> None:
    """Refuse a file that exists already, and one in a folder that does not: a misspelled path makes no folders."""
    from maskwise.files import refuse_overwrite

    refuse_overwrite(path, force)
    if not path.parent.is_dir():
        raise UserError(must(f"the folder of {path}", "there", "none", f"Make it: mkdir -p {path.parent}."))


def data_of_run(folder: Path, given: Path | None) -> Path | None:
    """The data set of the run in ``folder``: as given, else where it was trained; None where that is gone."""
    if given is not None:
        refuse_missing_folder("--data", given)
        return given
    from maskwise.store.runs import read_record

    remembered = read_record(folder).data.folder
    return Path(remembered) if remembered and Path(remembered).is_dir() else None


def needed_data_of_run(folder: Path, given: Path | None) -> Path:
    """The same; ``UserError`` where there is none."""
    found = data_of_run(folder, given)
    if found is None:
        raise UserError(must("--data", "given", "none, and the run's own is not there", "Name the folder: --data DIR."))
    return found


def cache_folder(chosen: Path | None) -> Path:
    """The pixel cache: as chosen, else the user's cache folder."""
    return chosen if chosen is not None else user_cache_folder()
