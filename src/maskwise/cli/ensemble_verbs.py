"""``maskwise ensemble``: several finished runs become one. No torch."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    RUN_HELP,
    ClassesOption,
    ForceOption,
    JsonOption,
    QuietOption,
    StoreOption,
)

if TYPE_CHECKING:
    from maskwise.ensembles.config import EnsembleConfig


class VoteWord(StrEnum):
    """The words of ``--vote``."""

    SOFT = "soft"
    HARD = "hard"
    WEIGHTED = "weighted"
    GEOMETRIC = "geometric"
    RANK = "rank"


def ensemble(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help=f"Two or more runs. {RUN_HELP}")],
    vote: Annotated[VoteWord, typer.Option(help="How to combine the probabilities of the runs.")] = VoteWord.SOFT,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the ensemble.", show_default="such as soft-of-3")
    ] = None,
    classes: ClassesOption = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Combine finished runs that held out the same people. The ensemble is itself a run, which every other verb takes.

    Weights are cross-fitted: each held-out person is scored with weights fitted on other people. Runs that were
    trained on everyone can be combined with equal weights, without a score.
    """
    from maskwise.cli.endings import after_run
    from maskwise.evaluation.format_table import format_table
    from maskwise.store.runs import read_record
    from maskwise.workflows.join_runs import join_runs

    folder, evaluation, joined = join_runs(
        store, runs, config_of(vote), name or f"{vote}-of-{len(runs)}", sys.argv, force=force
    )
    if as_json:
        typer.echo("null" if evaluation is None else evaluation.to_json())
        return
    shares = (f"{weight:.3f} {member[:8]}" for weight, member in zip(joined.weights, joined.members, strict=True))
    typer.echo(f"weights: {', '.join(shares)}")
    typer.echo(f"run {folder.name} ({read_record(folder).name}) in {folder}\n")
    if evaluation is None:
        typer.echo("all members were trained on everyone: nobody was held out, so no score")
    else:
        typer.echo(format_table(evaluation, classes=classes))
    if not quiet:
        typer.echo(f"\n{after_run(read_record(folder).name, store)}", err=True)


def config_of(vote: VoteWord) -> EnsembleConfig:
    """The settings that a word of ``--vote`` stands for."""
    from maskwise.ensembles.config import GeometricMean, HardVote, RankMean, SoftVote, WeightedVote

    match vote:
        case VoteWord.SOFT:
            return SoftVote()
        case VoteWord.HARD:
            return HardVote()
        case VoteWord.WEIGHTED:
            return WeightedVote()
        case VoteWord.GEOMETRIC:
            return GeometricMean()
        case VoteWord.RANK:
            return RankMean()
        case _:
            assert_never(vote)
