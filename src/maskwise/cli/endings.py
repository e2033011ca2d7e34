"""The last lines of a verb: what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from maskwise.cli.options import DEFAULT_STORE
from maskwise.errors import StoreError, printable


def next_lines(commands: Sequence[str], store: Path = DEFAULT_STORE) -> str:
    """``next: maskwise …``, a line for each command, with --store where it is another than usual."""
    place = "" if store == DEFAULT_STORE else f" --store {shlex.quote(str(store))}"
    return "\n".join(f"{'next:' if not k else '     '} maskwise {each}{place}" for k, each in enumerate(commands))


def after_run(name: str, store: Path) -> str:
    """What people do with a run that was scored."""
    return next_lines([f"report {name}", f"predict {name} PHOTOS --out predictions.csv", f"export {name} OUT"], store)


@contextmanager
def beside_the_result(result: Path) -> Iterator[None]:
    """A store's note of ``result``, which is written: where the store cannot be written a line says so."""
    try:
        yield
    except (OSError, StoreError) as error:
        typer.echo(printable(f"{result} is written, but could not be noted in the store: {error}"), err=True)
