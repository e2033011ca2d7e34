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
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The source's folder; for csv the file.")],
    out: Annotated[Path, typer.Argument(help="The data set to write, or one made by an import, to join.")],
    min_age: Annotated[int, typer.Option(min=1, max=120, help="Younger people are left out and reported.")] = 18,
    masks: Annotated[
        bool, typer.Option("--masks/--no-masks", help="Draw masks on: seven photos a face. Else the bare face alone.")
    ] = True,
    link: Annotated[
        bool, typer.Option("--link/--copy", help="Link to the source's photos instead of copying them.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Decides the masks, and whom --limit takes.")] = 0,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COL=FIELD", help="What a column of a csv is: file, gender, age or person."),
    ] = None,
    map_file: Annotated[Path | None, typer.Option(help="The same, and words for genders, in a YAML file.")] = None,
    source_name: Annotated[str, typer.Option(help="Begins the ids of the source.", show_default="FORMAT")] = "",
    licence: Annotated[str, typer.Option(help="The source's licence, kept in sources.json.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="So many faces at most, drawn at random.")] = None,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Take over a public or own set of faces into the competition's layout; OUT/import-report.csv tells what was not.

    The same command again goes on where it was stopped. Import another source into the same OUT to join them.
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
    with listener(quiet) as told:
        made = import_faces(request, told)
    typer.echo(str(made))
    typer.echo(f"{out}: {made.people} people, {made.photos} photos, {made.rejected} rejected ({out / REPORT})")


def _table_words(pairs: list[str], file: Path | None) -> TableWords:
    """``--map`` and ``--map-file`` together; what stands in both is told by the flag."""
    from pydantic import ValidationError

    from maskwise.data.importing.config import TABLE_FIELDS, TableWords
    from maskwise.errors import UserError, must
    from maskwise.recipe.strict_yaml import read_yaml

    told = {} if file is None else read_yaml(file.read_text(encoding="utf-8"), str(file))
    if not isinstance(told, dict):
        raise UserError(must(str(file), "a list of columns and genders", told, "For example columns: {sex: gender}."))
    columns = told.get("columns") or {}
    for pair in pairs:
        column, _, meaning = pair.rpartition("=")
        if not column or meaning not in TABLE_FIELDS:
            raise UserError(must("--map", f"COL=FIELD, FIELD one of {', '.join(TABLE_FIELDS)}", pair, "Correct it."))
        columns = {**{c: m for c, m in columns.items() if m != meaning}, column: meaning}
    try:
        return TableWords.model_validate({**told, "columns": columns})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, fault['loc'])) or 'columns'}: {fault['msg']}" for fault in error.errors()]
        raise UserError([f"{file or '--map'} must fit, got a fault: {line}. Mend it." for line in lines]) from None
