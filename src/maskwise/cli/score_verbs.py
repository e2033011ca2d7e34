"""Verbs that only score. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import ClassesOption, JsonOption


def evaluate(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="A file that `predict` wrote.")],
    answers: Annotated[
        Path,
        typer.Option(metavar="CSV", help="True classes: the columns ImageID,ans and, for intervals by person, person."),
    ],
    classes: ClassesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score predictions against the truth, with 95 % intervals by resampling people."""
    from maskwise.evaluation.evaluate import evaluate as score
    from maskwise.evaluation.format_table import format_table
    from maskwise.evaluation.truth_file import read_truth, with_truth
    from maskwise.seeds import rng_for
    from maskwise.store.kept_files import check_kept
    from maskwise.store.layout import RECORD
    from maskwise.store.predictions_file import read_predictions
    from maskwise.store.runs import read_record, refuse_unscored

    if (predictions.parent / RECORD).is_file():
        refuse_unscored([read_record(predictions.parent)])
        check_kept(predictions.parent, predictions)
    table, task = read_predictions(predictions)
    truth = read_truth(answers, task)
    found = score(with_truth(table, truth), task, rng_for(0, "intervals"))
    typer.echo(found.to_json() if as_json else format_table(found, classes=classes))
    if truth.person_N is None and not as_json:
        typer.echo(f"add a column person to {truth.name} for intervals by person")
