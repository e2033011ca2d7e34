"""Verbs on finished runs: join several into an ensemble, compare two or two groups. No torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from maskwise.cli.options import DEFAULT_STORE, ForceOption, StoreOption
from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from pathlib import Path

    from maskwise.ensembles.config import EnsembleConfig
    from maskwise.store.runs import StoredRun

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


def compare(
    a: Annotated[str, typer.Argument(metavar="RUN[,RUN…]", help=f"{_RUN_HELP} Several: runs of other seeds.")],
    b: Annotated[str, typer.Argument(metavar="RUN[,RUN…]", help="What may be better; as many runs, in pairs.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """The second run against the first on the same held-out people, with 95 % intervals of the difference.

    Several runs a side, joined by commas, are compared in pairs: the first with the first, and so on.
    """
    from maskwise.chance import rng_for
    from maskwise.evaluation.comparison import compare_arms
    from maskwise.evaluation.format_comparison import format_comparison
    from maskwise.workflows.join_runs import read_members

    arm_a, arm_b = read_arms(a, b, store)
    predictions, task = read_members([*arm_a, *arm_b])
    found = compare_arms(predictions[: len(arm_a)], predictions[len(arm_a) :], task, rng_for(0, "intervals"))
    names = name_arm(arm_a), name_arm(arm_b)
    if names[0] == names[1]:
        names = name_arm(arm_a, by_id=True), name_arm(arm_b, by_id=True)
    typer.echo(format_comparison(found, *names))


def read_arms(a: str, b: str, store: Path) -> tuple[list[StoredRun], list[StoredRun]]:
    """The finished runs of both sides; ``UserError`` for sides of unequal length and for a run twice on one side."""
    from maskwise.store.find_run import find_run
    from maskwise.store.runs import StoredRun, read_finished

    arms = [text.split(",") for text in (a, b)]
    if len(arms[0]) != len(arms[1]):
        got = f"{len(arms[0])} and {len(arms[1])}"
        raise UserError(f"sides to compare must be of equally many runs, got {got}. They are compared in pairs.")
    folders = [[find_run(store, ref.strip()) for ref in refs] for refs in arms]
    for refs, found in zip(arms, folders, strict=True):
        if len({folder.resolve() for folder in found}) < len(found):
            remedy = "Train it with other seeds."
            raise UserError(must("runs of a side", "different ones", ",".join(refs), remedy))
    one, two = ([StoredRun(folder, read_finished(folder)) for folder in found] for found in folders)
    return one, two


def name_arm(arm: Sequence[StoredRun], *, by_id: bool = False) -> str:
    """The runs' name where they share one, else the first's and how many more there are."""
    names = [run.record.run_id[:8] if by_id else run.record.name for run in arm]
    return names[0] if len(set(names)) == 1 else f"{names[0]} +{len(names) - 1}"


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
