"""``maskwise data import``: bring faces from anywhere."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.options import ForceOption, JsonOption, QuietOption
from maskwise.data.importing.formats import ImportFormat
from maskwise.errors import counted

if TYPE_CHECKING:
    from maskwise.data.importing.config import TableWords
    from maskwise.data.sources import Source

MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=MEANING",
        help="A CSV column's meaning, such as sex=gender, or a folder's, such as with_mask=worn. Repeatable.",
    ),
]
MapFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="YAML file that maps columns, folders, and the words for genders and masks."),
]
LicenseOption = Annotated[
    str,
    typer.Option("--license", "--licence", metavar="TEXT", help="License of the source, recorded in sources.json."),
]


def import_set(
    format_: Annotated[
        ImportFormat, typer.Argument(metavar="FORMAT", show_choices=False, help=f"{', '.join(ImportFormat)}.")
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Source folder; for csv, the file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Data set to write, or an imported one to extend.")],
    min_age: Annotated[
        int,
        typer.Option(
            min=1, max=120, metavar="YEARS", help="Leave out people younger than this; the import report lists them."
        ),
    ] = 18,
    masks: Annotated[
        bool,
        typer.Option("--masks/--no-masks", help="Draw masks, for seven photos per face; or keep only the bare face."),
    ] = True,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link to the source's photos, or copy them.")] = False,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Random seed for the masks and for --limit.")] = 0,
    map_: MapOption = None,
    map_file: MapFileOption = None,
    source_name: Annotated[
        str, typer.Option(metavar="NAME", help="Prefix of the person ids.", show_default="FORMAT")
    ] = "",
    license_: LicenseOption = "",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Import at most N faces, chosen at random.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Import a public or private set of faces as a data set. OUT/import-report.csv lists the faces left out.

    Repeat the command to resume. Import another source into the same OUT to combine them.
    """
    from maskwise.cli.ask_columns import with_asked_columns
    from maskwise.cli.progress import listener
    from maskwise.workflows.import_faces import ImportRequest, import_faces

    words = _table_words(format_, map_ or [], map_file)
    if format_ is ImportFormat.CSV and not quiet:
        words = with_asked_columns(source, words)
    request = ImportRequest(
        kind=format_,
        source=source,
        out=out,
        words=words,
        min_age_years=min_age,
        draw_masks=masks,
        link=link,
        seed=seed,
        source_name=source_name,
        license=license_,
        limit=limit,
        force=force,
    )
    with listener(quiet) as progress:
        made = import_faces(request, progress)
    _print_made(made, out, as_json=as_json, quiet=quiet)


def _print_made(made: Source, out: Path, *, as_json: bool, quiet: bool) -> None:
    from maskwise.cli.endings import next_lines
    from maskwise.cli.plain_json import plain_json
    from maskwise.data.importing.target import REPORT

    if as_json:
        typer.echo(plain_json(made))
        return
    typer.echo(str(made))
    taken = f"{counted(made.people, 'person', 'people')}, {counted(made.photos, 'photo')}"
    typer.echo(f"{out}: {taken}, {made.rejected} rejected ({out / REPORT})")
    if not quiet:
        place = shlex.quote(str(out))
        commands = [f"data check {place}", f"train quick --data {place}{_learnable(out)}"]
        typer.echo(f"\n{next_lines(commands)}", err=True)


def _learnable(out: Path) -> str:
    """The change to a recipe that learns only what the set is labeled with, if that is not everything."""
    from maskwise.data.manifest import read_train
    from maskwise.labels import Task, known_attributes

    known = known_attributes(read_train(out, Task()).table)
    if len(known) == len(Task().attributes):
        return ""
    # Quoted: zsh would look for files of this pattern.
    return " --set " + shlex.quote(f"task.attributes=[{','.join(known)}]")


def _text_of(file: Path) -> str:
    from maskwise.errors import UserError, must

    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(must(f"--map-file {file}", "text in UTF-8", "another encoding", "Save it as UTF-8.")) from None
    except OSError as error:
        got = error.strerror or "an error"
        raise UserError(must(f"--map-file {file}", "a readable file", got, "Check the path.")) from None


def _table_words(kind: ImportFormat, pairs: list[str], file: Path | None) -> TableWords:
    """``--map`` and ``--map-file`` together; the flag wins where both speak."""
    from pydantic import ValidationError

    from maskwise.data.importing.config import TABLE_FIELDS, TableWords
    from maskwise.errors import UserError, must
    from maskwise.recipe.explain import explain
    from maskwise.recipe.strict_yaml import read_yaml

    given = {} if file is None else read_yaml(_text_of(file), str(file))
    if not isinstance(given, dict):
        raise UserError(must(str(file), "a list of columns and genders", given, "For example columns: {sex: gender}."))
    of_folders = kind is ImportFormat.FOLDERS
    group = "folders" if of_folders else "columns"
    meanings = given.get(group) or {}
    for pair in pairs:
        name, _, meaning = pair.rpartition("=")
        if not name or not (of_folders or meaning in TABLE_FIELDS):
            rule = "FOLDER=CLASS" if of_folders else f"COL=FIELD, FIELD one of {', '.join(TABLE_FIELDS)}"
            raise UserError(must("--map", rule, pair, "Correct it."))
        meanings = {**{n: m for n, m in meanings.items() if of_folders or m != meaning}, name: meaning}
    try:
        return TableWords.model_validate({**given, group: meanings})
    except ValidationError as error:
        raise UserError([f"{file or '--map'}: {line}" for line in explain(error, TableWords)]) from None
