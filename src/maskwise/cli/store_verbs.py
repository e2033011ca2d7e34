"""``maskwise store``: what the runs take on the disk, deleting those that nothing needs, copying. No torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    RUN_HELP,
    CacheOption,
    JsonOption,
    StoreOption,
    cache_folder,
    refuse_before_verb,
    refuse_missing_folder,
)
from maskwise.errors import UserError, counted

if TYPE_CHECKING:
    from maskwise.store.runs import StoredRun

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, add_completion=False)
YesOption = Annotated[bool, typer.Option("--yes", help="Delete without asking.")]


@app.callback()
def sizes(
    context: typer.Context,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how much disk runs take. `delete` and `prune` free space, and never remove a run that another one needs."""
    if context.invoked_subcommand is not None:
        refuse_before_verb(context)
        return
    from maskwise.store.runs import list_runs
    from maskwise.store.sizes import folder_bytes, format_sizes, leftovers, size_of_run
    from maskwise.text_table import screen_width

    found = [size_of_run(run) for run in list_runs(store).runs]
    left_bytes = sum(folder_bytes(folder) for folder in leftovers(store))
    if as_json:
        from maskwise.cli.plain_json import plain_json

        typer.echo(
            plain_json({"runs": found, "left_bytes": left_bytes, "cache_bytes": folder_bytes(cache_folder(cache))})
        )
        return
    typer.echo(format_sizes(found, left_bytes, folder_bytes(cache_folder(cache)), screen_width()))


@app.command(short_help="Delete runs that nothing needs")
def delete(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help=RUN_HELP)],
    store: StoreOption = DEFAULT_STORE,
    yes: YesOption = False,
) -> None:
    """Delete runs, unless the best of the board, an ensemble, the ladder, the claims or an export needs them."""
    from maskwise.store.find_run import find_run
    from maskwise.store.retention import refuse_needed
    from maskwise.store.runs import StoredRun, read_record

    found = [StoredRun(folder, read_record(folder)) for folder in dict.fromkeys(find_run(store, ref) for ref in runs)]
    refuse_needed(store, [run.folder for run in found])
    delete_after_asking(store, found, yes)


@app.command(short_help="Delete all but the best runs")
def prune(
    keep_best: Annotated[int, typer.Option("--keep-best", metavar="N", help="Number of runs to keep in each group.")],
    store: StoreOption = DEFAULT_STORE,
    yes: YesOption = False,
) -> None:
    """Delete all scored runs except the N best per data set, task and held-out people, and the runs these need."""
    from maskwise.store.retention import runs_to_prune

    doomed, spared = runs_to_prune(store, keep_best)
    for run_id, reasons in spared.items():
        typer.echo(f"stays: {run_id[:8]} {reasons[0]}", err=True)
    if not doomed:
        typer.echo("nothing to delete")
        return
    delete_after_asking(store, doomed, yes)


PlaceArgument = Annotated[Path, typer.Argument(metavar="PLACE", help="The other store: a folder.")]
OnlyRunsArgument = Annotated[list[str] | None, typer.Argument(metavar="[RUN…]", help="Copy only these runs.")]


@app.command(short_help="Copy runs from another store")
def pull(
    place: PlaceArgument, runs: OnlyRunsArgument = None, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """Copy the finished runs of another store into this one, checksums verified; `board` then ranks them together.

    Runs that are there already are never replaced. Repeat the command to resume.
    """
    refuse_missing_folder("PLACE", place)
    print_copied(place, store, runs, as_json=as_json)


@app.command(short_help="Copy runs to another store")
def push(
    place: PlaceArgument, runs: OnlyRunsArgument = None, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """Copy the finished runs of this store into another one; see `store pull`."""
    refuse_missing_folder("--store", store)
    print_copied(store, place, runs, as_json=as_json)


def print_copied(source: Path, target: Path, runs: list[str] | None, *, as_json: bool) -> None:
    """Copy, naming each run on stderr. ``CheckFailedError`` where the other store has different runs of equal ids."""
    from maskwise.errors import CheckFailedError
    from maskwise.store.copy_runs import copy_runs
    from maskwise.store.find_run import find_run

    only = None if not runs else [find_run(source, ref).name for ref in runs]
    done = copy_runs(
        source, target, lambda run: typer.echo(f"copies {run.record.name} ({run.record.run_id[:8]})", err=True), only
    )
    if as_json:
        from maskwise.cli.plain_json import plain_json

        ids = [run.record.run_id for run in done.copied]
        counts = {"there": done.there, "unfinished": done.unfinished, "problems": done.problems}
        typer.echo(plain_json({"copied": ids, **counts}))
    else:
        left = f", {done.unfinished} unfinished left where they are" if done.unfinished else ""
        typer.echo(f"{len(done.copied)} runs copied to {target}, {done.there} were there{left}")
    if done.problems:
        raise CheckFailedError(done.problems)


def delete_after_asking(store: Path, runs: list[StoredRun], yes: bool) -> None:
    """Name the runs, ask in a terminal unless ``yes``, delete them and say how much room that made.

    ``UserError`` where nobody can confirm it.
    """
    from maskwise.store.retention import delete_runs
    from maskwise.store.sizes import in_words, size_of_run

    freed = in_words(sum(size_of_run(run).total_bytes for run in runs))
    named = ", ".join(f"{run.record.name} ({run.record.run_id[:8]})" for run in runs)
    if not yes:
        if not _can_ask():
            raise UserError(f"deleting must be confirmed, got no terminal to confirm in: {named}, {freed}. Add --yes.")
        typer.confirm(f"Delete {named}: {freed}?", abort=True, err=True)
    gone = delete_runs(store, [run.folder for run in runs])
    typer.echo(f"deleted {counted(len(gone), 'run')}, {freed}: {named}")


def _can_ask() -> bool:
    return sys.stdin.isatty()
