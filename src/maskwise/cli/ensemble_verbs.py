"""``maskwise ensemble``: several finished runs become one. No torch."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from maskwise.cli.options import DEFAULT_STORE, ForceOption, StoreOption

if TYPE_CHECKING:
    from maskwise.ensembles.config import EnsembleConfig

_RUN_HELP = "A run id, a unique prefix of one, a name or a path."


class Vote(StrEnum):
    """The words of ``--vote``."""

    SOFT = "soft"
    HARD = "hard"
    WEIGHTED = "weighted"
    GEOMETRIC = "geometric"
    RANK = "rank"


def ensemble(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help=_RUN_HELP)],
    vote: Annotated[Vote, typer.Option(help="How the runs' probabilities become one answer.")] = Vote.SOFT,
    name: Annotated[
        str | None, typer.Option(metavar="N", help="What it is called on the board.", show_default="as soft-of-3")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    force: ForceOption = False,
) -> None:
    """Join finished runs that held the same people out; the ensemble is a run, for `predict`, `submit` and `board`.

    Weights are fitted on held-out people, and everybody is scored with weights that were fitted on others.
    """
    from maskwise.evaluation.format_table import format_table
    from maskwise.store.runs import read_record
    from maskwise.workflows.join_runs import join_runs

    folder, evaluation, joined = join_runs(
        store, runs, config_of(vote), name or f"{vote}-of-{len(runs)}", sys.argv, force=force
    )
    typer.echo(format_table(evaluation))
    shares = (f"{weight:.3f} {member[:8]}" for weight, member in zip(joined.weights, joined.members, strict=True))
    typer.echo(f"weights: {', '.join(shares)}")
    typer.echo(f"run {folder.name} ({read_record(folder).name}) in {folder}")


def config_of(vote: Vote) -> EnsembleConfig:
    """The settings that a word of ``--vote`` stands for."""
    from maskwise.ensembles.config import GeometricMean, HardVote, RankMean, SoftVote, Weighted

    match vote:
        case Vote.SOFT:
            return SoftVote()
        case Vote.HARD:
            return HardVote()
        case Vote.WEIGHTED:
            return Weighted()
        case Vote.GEOMETRIC:
            return GeometricMean()
        case Vote.RANK:
            return RankMean()
        case _:
            assert_never(vote)
