"""``maskwise eda``: look at a data set before training on it. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import (
    CacheOption,
    CorrectionsOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    QuietOption,
    SkippedAnywayOption,
    cache_folder,
    refuse_missing_folder,
    refuse_output,
)


def eda(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Data set: a folder with train/ and eval/.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The self-contained HTML page to write.")
    ] = Path("eda.html"),
    faces: Annotated[
        bool, typer.Option("--faces/--no-faces", help="Detect the face in every photo; takes most of the time.")
    ] = True,
    no_photos: Annotated[bool, typer.Option("--no-photos", help="Write numbers only, without photos.")] = False,
    corrections: CorrectionsOption = None,
    cache: CacheOption = None,
    _skip_unreadable: SkippedAnywayOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Describe a data set: classes, ages, sizes, colors, mean faces, undetected faces, likely duplicates."""
    from maskwise.files import write_atomically
    from maskwise.labels import Task

    refuse_missing_folder("DIR", folder)
    refuse_output(out, force)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.reports.eda_page import eda_page, eda_text
    from maskwise.reports.words import in_language
    from maskwise.text_table import screen_width, wrapped
    from maskwise.workflows.explore_data import explore_data

    with listener(quiet) as progress:
        explored = explore_data(
            folder, Task(), cache_folder(cache), progress, faces=faces, corrections=corrections or ()
        )
    page = eda_page(explored, f"Data set {folder.resolve().name}", photos=not no_photos)
    write_atomically(out, in_language(page, language))
    if as_json:
        typer.echo(plain_json({"numbers": explored.numbers, "page": out}))
        return
    typer.echo("\n".join(wrapped(eda_text(explored.numbers, explored.task).splitlines(), screen_width())))
    typer.echo(f"page: {out}")
