"""``maskwise studio``: the pages of a store and its data in the browser."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    LanguageOption,
    OwnDataOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)


def studio(
    store: StoreOption = DEFAULT_STORE,
    data: OwnDataOption = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Port to listen on; 0 picks a free one.")
    ] = 8010,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    language: LanguageOption = None,
    cache: CacheOption = None,
) -> None:
    """Open the board, reports, comparisons, data and label pages and prediction in the browser, on this machine only.

    Nothing but tags and label corrections is written. Needs the extra `serve`.
    """
    from maskwise.cli.main import TRAINING_PACKAGES
    from maskwise.errors import UserError, extra_missing

    if data is not None:
        refuse_missing_folder("--data", data)
    try:
        from maskwise.studio.pages import StudioPages
        from maskwise.studio.run_studio import run_studio
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in TRAINING_PACKAGES:
            raise  # of the extra `train`, which is said where all verbs say it
        raise UserError(extra_missing("serve", str(error.name))) from None
    pages = StudioPages(store, data, cache_folder(cache))
    run_studio(pages, port, language, typer.echo, open_browser=not no_open and sys.stdout.isatty())
