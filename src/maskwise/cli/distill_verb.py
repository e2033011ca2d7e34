"""``maskwise distill``: one network that learns from a run of several."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    ClassesOption,
    ForceOption,
    JsonOption,
    OwnDataOption,
    QuietOption,
    RunArgument,
    SetOption,
    StoreOption,
    cache_folder,
    needed_data_of_run,
    refuse_missing_folder,
)


def distill(
    run: RunArgument,
    data: OwnDataOption = None,
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="RECIPE", help="Recipe of the network to train.")
    ] = "student",
    set_: SetOption = None,
    everyone: Annotated[
        bool,
        typer.Option(
            "--everyone", help="Learn from all models on all people, for the network to ship. The run gets no score."
        ),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    classes: ClassesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Train one network to predict what an ensemble, or a run of several models, predicts.

    It is a run of its own, NAME-distilled, on the people and folds of RUN, and is compared with it on the people whom
    neither saw. Repeat the command to resume.
    """
    from maskwise.store.find_run import find_run
    from maskwise.workflows.distilled_recipe import distilled_recipe

    if data is not None:
        refuse_missing_folder("--data", data)
    folder = find_run(store, run)
    data = needed_data_of_run(folder, data)
    loaded = distilled_recipe(folder, recipe, set_ or [], everyone=everyone)

    from maskwise.cli.compare_verb import compared_text, find_arms
    from maskwise.cli.endings import after_run
    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener, trainings_of
    from maskwise.evaluation.format_table import format_table
    from maskwise.workflows.compare_runs import compare_runs, name_arms, read_arms
    from maskwise.workflows.run_recipe import Place, run_recipe

    place = Place(data=data, store=store, cache=cache_folder(cache))
    with listener(quiet, trainings_of(loaded)) as progress:
        made, evaluation = run_recipe(loaded, place, sys.argv, progress, force=force)
    found = None
    if evaluation is not None:
        arms = find_arms([str(folder), str(made)], store)
        found = compare_runs(read_arms(arms), name_arms(arms))
    if as_json:
        typer.echo(plain_json({"run": made.name, "evaluation": evaluation, "comparison": found}))
        return
    typer.echo(f"run {made.name} ({loaded.name}) in {made}\n")
    if evaluation is None or found is None:
        typer.echo("trained on everyone: nobody was held out, so no score")
    else:
        typer.echo(f"{format_table(evaluation, classes=classes)}\n\n{compared_text(found, classes=classes)}")
    if not quiet:
        typer.echo(f"\n{after_run(loaded.name, store)}", err=True)
