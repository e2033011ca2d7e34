"""``maskwise claims``: the source write-up's claims as paired tests on the user's data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.ladder_verbs import BudgetWord
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    DataOption,
    ForceOption,
    JsonOption,
    QuietOption,
    SetOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)


def claims(
    data: DataOption,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="N", help="Only this claim (1 to 12) or open question (A to D). Repeatable."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="Seeds per arm.", show_default="2; with --budget full, 5"),
    ] = None,
    budget: Annotated[
        BudgetWord,
        typer.Option(help="small: for CPUs, about 90 seconds per run of 9,000 photos. full: for a GPU."),
    ] = BudgetWord.SMALL,
    set_: SetOption = None,
    processes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes of this machine that share the trainings.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Also write the tables as Markdown.")
    ] = None,
    force: ForceOption = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Test each claim of the source write-up with paired runs over several seeds.

    Every arm and seed is a run of the store, trained once for all claims. Repeat the command to resume; several
    processes can share the work. --set applies to every arm.
    """
    from maskwise.files import refuse_overwrite, write_atomically
    from maskwise.studies.plan_claims import FULL_CLAIMS, SMALL_CLAIMS, choose_claims, features_of, plan_claims

    size, own_changes = {BudgetWord.SMALL: SMALL_CLAIMS, BudgetWord.FULL: FULL_CLAIMS}[budget], set_ or []
    chosen = choose_claims(only or [])
    # Refuses what is wrong with the settings before a photo is read.
    planned = plan_claims(size, seeds, own_changes, chosen)
    refuse_missing_folder("--data", data)
    if out is not None:
        refuse_overwrite(out, force)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.studies.budgets import format_budget
    from maskwise.studies.format_claims import format_claims, markdown_claims
    from maskwise.studies.run_claims import score_claims, train_together
    from maskwise.studies.set_facts import look_at_set
    from maskwise.workflows.run_recipe import Place

    plan = plan_claims(size, seeds, own_changes, chosen, look_at_set(data, planned.runs[0].recipe))
    changed = format_budget(features_of(size, own_changes), own_changes, "every arm")
    place = Place(data=data, store=store, cache=cache_folder(cache))
    with listener(quiet) as console:
        for line in changed:
            console.on_note(line)
        scores = score_claims(plan, train_together(plan, place, sys.argv, console, processes))
    typer.echo(plain_json(scores) if as_json else "\n".join([*changed, "", format_claims(scores)]))
    if out is not None:
        write_atomically(out, markdown_claims(scores, changed))
