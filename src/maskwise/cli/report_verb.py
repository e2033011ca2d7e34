"""``maskwise report``: a run on one page. Torch is loaded only where photos are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    OwnDataOption,
    QuietOption,
    RunArgument,
    SkippedAnywayOption,
    StoreOption,
    cache_folder,
    data_of_run,
    refuse_missing_folder,
    refuse_output,
)


def report(
    run: RunArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The self-contained HTML page to write.")
    ] = Path("report.html"),
    data: OwnDataOption = None,
    no_photos: Annotated[bool, typer.Option("--no-photos", help="Write numbers only, without photos.")] = False,
    store: StoreOption = DEFAULT_STORE,
    _skip_unreadable: SkippedAnywayOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Write a page about a finished run: scores, groups, calibration, mistakes, attention maps, a model card."""
    from maskwise.files import write_atomically
    from maskwise.store.find_run import find_run

    refuse_output(out, force)
    if data is not None:
        refuse_missing_folder("--data", data)
    folder = find_run(store, run)
    data = data_of_run(folder, data)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.evaluation.format_table import format_table
    from maskwise.reports.run_report import run_report
    from maskwise.reports.words import in_language

    with listener(quiet) as progress:
        story, text = run_report(folder, data, cache_folder(cache), progress, photos=not no_photos)
    write_atomically(out, in_language(text, language))
    if as_json:
        scores = json.loads(story.evaluation.to_json())
        typer.echo(plain_json({"evaluation": scores, "missing": story.missing, "page": out}))
        return
    typer.echo(format_table(story.evaluation))
    for words in story.missing:
        typer.echo(words)
    typer.echo(f"page: {out}")
    if not quiet:
        typer.echo(f"next: open {out} in a browser", err=True)
