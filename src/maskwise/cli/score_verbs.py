"""Verbs that only read: scores and the leaderboard. No torch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import DEFAULT_STORE, StoreOption


def evaluate(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="A table that `predict` wrote.")],
    answers: Annotated[Path, typer.Option(metavar="CSV", help="The truth: ImageID,ans and, better, person.")],
) -> None:
    """Score predictions against answers, with 95 % intervals by resampling people."""
    from maskwise.chance import rng_for
    from maskwise.evaluation.answers import read_answers, with_answers
    from maskwise.evaluation.evaluate import evaluate as score
    from maskwise.evaluation.format_table import format_table
    from maskwise.store.predictions_file import read_predictions

    table, task = read_predictions(predictions)
    typer.echo(format_table(score(with_answers(table, read_answers(answers, task)), task, rng_for(0, "intervals"))))


def board(store: StoreOption = DEFAULT_STORE) -> None:
    """All finished runs, best first by macro F1 on held-out people."""
    from maskwise.store.board import format_board, read_board

    typer.echo(format_board(read_board(store), shutil.get_terminal_size((120, 24)).columns))
