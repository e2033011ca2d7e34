"""``maskwise claims``: the source write-up's claims as paired tests on the user's data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli import engine_options
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

if TYPE_CHECKING:
    from maskwise.studies.budgets import Budget

OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="N", help="Only this claim (1 to 12) or open question (A to D). Repeatable."),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="K", help="Seeds per arm.", show_default="5; 2 for small's fine-tuned arms"),
]
BudgetOption = Annotated[
    BudgetWord,
    typer.Option(
        help="small: for CPUs; about 20 seconds per run on cached features, 2 minutes per fine-tuned run "
        "of 9,000 photos. full: for a GPU; every arm fine-tuned."
    ),
]
ProcessesOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Number of local processes that share the runs.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Also write the tables as Markdown.")
]


def claims(
    data: DataOption,
    only: OnlyOption = None,
    seeds: SeedsOption = None,
    budget: BudgetOption = BudgetWord.SMALL,
    set_: SetOption = None,
    processes: ProcessesOption = 1,
    engine: engine_options.TrainingEngineOption = engine_options.TrainingEngine.SERIAL,
    cores_per_run: engine_options.CoresOption = None,
    gpus_per_run: engine_options.GpusOption = None,
    ray_address: engine_options.AddressOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Test each claim of the source write-up with paired runs over several seeds.

    Every arm and seed is a run in the store, trained once for all claims. Repeat the command to resume; several
    processes can share the work. --set applies to every arm.
    """
    from maskwise.errors import UserError, must
    from maskwise.files import refuse_overwrite, write_atomically
    from maskwise.studies.plan_claims import choose_claims, features_of, plan_claims

    size, own_changes, chosen = _size(budget), set_ or [], choose_claims(only or [])
    if processes > 1 and engine is engine_options.TrainingEngine.RAY:
        raise UserError(must("--processes", "left out with --engine ray", processes, "Set --cores-per-run instead."))
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
    from maskwise.text_table import screen_width, wrapped
    from maskwise.workflows.refuse_series import refuse_impossible_series
    from maskwise.workflows.run_recipe import Place

    refuse_impossible_series([run.recipe for run in planned.runs])
    plan = plan_claims(size, seeds, own_changes, chosen, look_at_set(data, planned.runs[0].recipe))
    changed = format_budget(features_of(size, own_changes), own_changes, "every arm")
    trainer = engine_options.EngineWords(engine, cores_per_run, gpus_per_run, ray_address).chosen()
    place = Place(data=data, store=store, cache=cache_folder(cache))
    with listener(quiet) as console:
        for line in changed:
            console.on_note(line)
        scores = score_claims(plan, train_together(plan, place, sys.argv, console, processes, trainer))
    width = screen_width()
    text = "\n".join([*wrapped(changed, width), "", format_claims(scores, width)])
    typer.echo(plain_json(scores) if as_json else text)
    if out is not None:
        write_atomically(out, markdown_claims(scores, changed))


def _size(budget: BudgetWord) -> Budget:
    from maskwise.studies.plan_claims import FULL_CLAIMS, SMALL_CLAIMS

    return {BudgetWord.SMALL: SMALL_CLAIMS, BudgetWord.FULL: FULL_CLAIMS}[budget]
