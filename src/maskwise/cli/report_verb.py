"""``maskwise report``: a run on one page. Torch is loaded only where photos are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    ForceOption,
    QuietOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)


def report(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run or an ensemble: its id, a prefix of it, its name or its path.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write, one self-contained HTML file.")] = Path(
        "report.html"
    ),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="The data set that it was trained on: for photos, ages, origin and light."
        ),
    ] = None,
    no_photos: Annotated[bool, typer.Option("--no-photos", help="Show no photos on the page: numbers alone.")] = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Write a page on a finished run: scores, groups, sureness, mistakes, where the models look, a model card."""
    from maskwise.files import refuse_overwrite, write_atomically
    from maskwise.store.find_run import find_run

    if data is not None:
        refuse_missing_folder("--data", data)
    refuse_overwrite(out, force)
    folder = find_run(store, run)

    from maskwise.cli.progress import listener
    from maskwise.evaluation.format_table import format_table
    from maskwise.reports.run_report import run_report

    with listener(quiet) as told:
        story, text = run_report(folder, data, cache_folder(cache), told, photos=not no_photos)
    write_atomically(out, text)
    typer.echo(format_table(story.evaluation))
    for words in story.missing:
        typer.echo(words)
    typer.echo(f"page: {out}")
