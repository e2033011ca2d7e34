"""``maskwise serve``: a bundle behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskwise.cli.options import DEFAULT_STORE, CacheOption, StoreOption, cache_folder, data_of_run
from maskwise.cli.predict_verb import PrecisionOption, PrecisionWord
from maskwise.files import at_home
from maskwise.store.layout import RECORD


def serve(
    bundle: Annotated[
        str | None,
        typer.Argument(metavar="RUN|BUNDLE", help="A bundle, or a run, which is exported to the cache first."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to listen on.", show_default="127.0.0.1, this machine only"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="N", help="Port to listen on; 0 picks a free one.", show_default="8000"),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File of accepted API keys, one per line.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also accept this name in the Host header. Repeatable."),
    ] = None,
    precision: PrecisionOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting, such as queue_images=128. Repeatable."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Print every setting with its default and exit.")
    ] = False,
) -> None:
    """Serve a bundle or a run over HTTP, with a web page. No photo is stored. Needs the extra `serve`."""
    from maskwise.errors import UserError, extra_missing, must
    from maskwise.export.cpu_features import SATURATES, saturates_in_8_bits
    from maskwise.serving.config import parse_settings, settings_table

    if show_settings:
        typer.echo(settings_table())
        return
    if bundle is None:
        raise UserError(must("RUN|BUNDLE", "given", "none", "Name a run, or what `maskwise export` wrote."))
    given: dict[str, Any] = {"host": host, "port": port, "allow_hosts": tuple(allow_host) if allow_host else None}
    settings = parse_settings({name: value for name, value in given.items() if value is not None}, set_ or [])
    try:
        from maskwise.serving.keys import read_keys
        from maskwise.serving.run_service import serve as run
    except ModuleNotFoundError as error:
        raise UserError(extra_missing("serve", str(error.name))) from None
    keys = read_keys(api_key_file) if api_key_file is not None else ()
    if precision is PrecisionWord.INT8 and saturates_in_8_bits():
        typer.echo(SATURATES, err=True)
    run(_bundle_of(bundle, store, cache), "fp32" if precision is None else precision.value, settings, keys, typer.echo)


def _bundle_of(reference: str, store: Path, cache: Path | None) -> Path:
    """The bundle at the path ``reference``; else that of the run of that name, exported now unless the cache has it."""
    from maskwise.export.bundle_files import is_bundle
    from maskwise.store.find_run import find_run

    path = at_home(reference)
    if is_bundle(path) or (path.exists() and not (path / RECORD).is_file()):
        return path
    from maskwise.cli.progress import listener
    from maskwise.serving.kept_bundle import kept_bundle

    folder = find_run(store, reference)
    with listener(quiet=False) as progress:
        return kept_bundle(folder, cache_folder(cache), data_of_run(folder, None), progress)
