"""``maskwise``: all verbs, and what happens when something is wrong."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import maskwise
from maskwise.cli import (
    audit_verb,
    bench_verbs,
    board_verbs,
    bundle_verbs,
    claims_verbs,
    compare_verb,
    data_verbs,
    eda_verbs,
    ensemble_verbs,
    import_verb,
    ladder_verbs,
    report_verb,
    run_verbs,
    score_verbs,
    search_verbs,
    serve_verb,
    store_verbs,
    sweep_verb,
)
from maskwise.errors import UserError, must

app = typer.Typer(
    name="maskwise",
    help="Mask status × gender × age group of a face: train, compare and use classifiers split by person.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_verbs.app.command("import")(import_verb.import_set)
app.add_typer(data_verbs.app, name="data")
app.command()(run_verbs.demo)
app.command()(eda_verbs.eda)
data_verbs.app.command("audit")(audit_verb.audit)
app.command()(run_verbs.recipes)
app.command()(run_verbs.train)
app.command()(run_verbs.predict)
app.command()(run_verbs.submit)
app.command()(bundle_verbs.export)
app.command()(serve_verb.serve)
app.command()(score_verbs.evaluate)
app.command()(ensemble_verbs.ensemble)
app.command()(compare_verb.compare)
app.command()(ladder_verbs.ladder)
app.command()(claims_verbs.claims)
app.command()(search_verbs.search)
app.command()(sweep_verb.sweep)
app.command("batch-size")(bench_verbs.batch_size)
app.add_typer(bench_verbs.app, name="bench")
app.command()(board_verbs.board)
app.command()(board_verbs.tag)
app.command()(report_verb.report)
app.add_typer(store_verbs.app, name="store")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maskwise {maskwise.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Mask status × gender × age group of a face: train, compare and use classifiers split by person."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a failed check, 2 bad usage or input, 130 interrupted."""
    from maskwise.training.stopping import InterruptedTraining

    try:
        app()
    except UserError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        # A place that the user named cannot be read or written; without a name it is a fault of ours.
        if error.filename is None or error.strerror is None:
            raise
        print(must(error.filename, "usable", error.strerror, "Check the path and its rights."), file=sys.stderr)
        sys.exit(UserError.exit_code)
    except InterruptedTraining as stop:
        print("Stopped; the state is saved. Run the same command again to go on.", file=sys.stderr)
        sys.exit(stop.exit_code)


if __name__ == "__main__":
    main()
