"""``maskwise data audit``: which labels are likely wrong. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    CorrectionsOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    OwnDataOption,
    QuietOption,
    SkippedAnywayOption,
    StoreOption,
    needed_data_of_run,
    refuse_missing_folder,
)


def audit(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Finished runs; several cross-validated ones (--folds 5) work best."),
    ],
    data: OwnDataOption = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the gallery and the lists.")
    ] = Path("audit"),
    top: Annotated[int, typer.Option(min=1, metavar="N", help="List the N most suspicious people.")] = 40,
    no_photos: Annotated[bool, typer.Option("--no-photos", help="Show no photos in the gallery.")] = False,
    corrections: CorrectionsOption = None,
    store: StoreOption = DEFAULT_STORE,
    _skip_unreadable: SkippedAnywayOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Rank labels that are likely wrong, find near copies across people, and list corrections to review.

    No label is changed: only the rows that you accept in the list are ever applied.
    """
    from maskwise.files import place_folder, refuse_overwrite, write_atomically
    from maskwise.store.find_run import find_run

    if data is not None:
        refuse_missing_folder("--data", data)
    refuse_overwrite(out, force)
    data = needed_data_of_run(find_run(store, runs[0]), data)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.reports.audit_page import audit_page
    from maskwise.reports.audit_tables import corrections_csv, people_csv, suspects, suspects_text
    from maskwise.reports.words import in_language
    from maskwise.text_table import screen_width, wrapped
    from maskwise.workflows.audit_labels import audit_labels

    with listener(quiet) as events:
        audited = audit_labels(store, runs, data, corrections, events)
    files = {
        "audit.html": in_language(audit_page(audited, top, photos=not no_photos), language),
        "corrections.csv": corrections_csv(audited, top),
        "people.csv": people_csv(audited),
    }
    if out.is_dir():  # with --force: whatever else lies there stays
        for name, text in files.items():
            write_atomically(out / name, text)
    else:
        place_folder(out, files)
    if as_json:
        typer.echo(plain_json({"suspects": suspects(audited, top), "near_copies": audited.near, "folder": out}))
        return
    typer.echo(suspects_text(audited, top, screen_width()))
    places = f"gallery: {out / 'audit.html'}; to review: {out / 'corrections.csv'}; all: {out / 'people.csv'}"
    typer.echo("\n".join(wrapped([places], screen_width())))
