"""``maskwise data import``: bring faces from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.options import ForceOption, QuietOption
from maskwise.data.importing.formats import ImportFormat

if TYPE_CHECKING:
    from maskwise.data.importing.config import TableWords


def import_set(
    format_: Annotated[ImportFormat, typer.Argument(metavar="FORMAT", help=f"{', '.join(ImportFormat)}.")],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the source; for csv, the file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Data set to write; an imported one is extended.")],
    min_age: Annotated[
        int, typer.Option(min=1, max=120, metavar="YEARS", help="Leave out and report younger people.")
    ] = 18,
    masks: Annotated[
        bool,
        typer.Option("--masks/--no-masks", help="Draw masks, for seven photos per face; or keep the bare face only."),
    ] = True,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link to the source's photos, or copy them.")] = False,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the masks and of --limit.")] = 0,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COL=FIELD",
            help="Meaning of a CSV column: file, gender, age or person, such as sex=gender. Repeatable.",
        ),
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file of columns, and of words for genders.")
    ] = None,
    source_name: Annotated[
        str, typer.Option(metavar="NAME", help="Prefix of the person ids.", show_default="FORMAT")
    ] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the source, recorded in sources.json.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Import at most N faces, chosen at random.")
    ] = None,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Import a public or private set of faces as a data set. OUT/import-report.csv lists the faces left out.

    Repeat the command to resume. Import another source into the same OUT to combine them.
    """
    from maskwise.cli.progress import listener
    from maskwise.data.importing.target import REPORT
    from maskwise.workflows.import_faces import ImportRequest, import_faces

    request = ImportRequest(
        kind=format_,
        source=source,
        out=out,
        words=_table_words(map_ or [], map_file),
        min_age_years=min_age,
        draw_masks=masks,
        link=link,
        seed=seed,
        source_name=source_name,
        licence=licence,
        limit=limit,
        force=force,
    )
    with listener(quiet) as progress:
        made = import_faces(request, progress)
    typer.echo(str(made))
    typer.echo(f"{out}: {made.people} people, {made.photos} photos, {made.rejected} rejected ({out / REPORT})")


def _text_of(file: Path) -> str:
    from maskwise.errors import UserError, must

    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(must(f"--map-file {file}", "text in UTF-8", "another encoding", "Save it as UTF-8.")) from None
    except OSError as error:
        got = error.strerror or "an error"
        raise UserError(must(f"--map-file {file}", "a readable file", got, "Check the path.")) from None


def _table_words(pairs: list[str], file: Path | None) -> TableWords:
    """``--map`` and ``--map-file`` together; the flag wins where both speak."""
    from pydantic import ValidationError

    from maskwise.data.importing.config import TABLE_FIELDS, TableWords
    from maskwise.errors import UserError, must
    from maskwise.recipe.explain import explain
    from maskwise.recipe.strict_yaml import read_yaml

    given = {} if file is None else read_yaml(_text_of(file), str(file))
    if not isinstance(given, dict):
        raise UserError(must(str(file), "a list of columns and genders", given, "For example columns: {sex: gender}."))
    columns = given.get("columns") or {}
    for pair in pairs:
        column, _, meaning = pair.rpartition("=")
        if not column or meaning not in TABLE_FIELDS:
            raise UserError(must("--map", f"COL=FIELD, FIELD one of {', '.join(TABLE_FIELDS)}", pair, "Correct it."))
        columns = {**{c: m for c, m in columns.items() if m != meaning}, column: meaning}
    try:
        return TableWords.model_validate({**given, "columns": columns})
    except ValidationError as error:
        raise UserError([f"{file or '--map'}: {line}" for line in explain(error, TableWords)]) from None
