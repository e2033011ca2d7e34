"""``maskwise submissions``: what was submitted, and what leaderboards reported. No torch."""

from __future__ import annotations

import datetime
from typing import Annotated, get_args

import typer

from maskwise.cli.options import DEFAULT_STORE, StoreOption, refuse_before_verb
from maskwise.errors import UserError, must

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, add_completion=False)
LimitOption = Annotated[int, typer.Option(min=1, metavar="N", help="Submissions allowed per day.")]


@app.callback()
def listed_submissions(
    context: typer.Context,
    store: StoreOption = DEFAULT_STORE,
    limit: LimitOption = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List submissions with their scores, the best so far per day, and how validation and leaderboard agree."""
    if context.invoked_subcommand is not None:
        refuse_before_verb(context)
        return
    from maskwise.cli.plain_json import plain_json
    from maskwise.store.format_submissions import format_submissions
    from maskwise.store.submissions import read_submissions
    from maskwise.text_table import screen_width

    log = read_submissions(store)
    for line in log.damaged:
        typer.echo(line, err=True)
    if as_json:
        typer.echo(
            plain_json(
                [
                    {
                        **each.written.model_dump(exclude={"kind"}),
                        "scores": {board: score.model_dump(exclude={"kind"}) for board, score in each.scores.items()},
                    }
                    for each in log.submissions
                ]
            )
        )
        return
    today = datetime.datetime.now(datetime.UTC).date()
    typer.echo(format_submissions(log, limit, today, screen_width()))


@app.command("score", short_help="Note what a leaderboard reported")
def score_submission(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the submission in `maskwise submissions`.")],
    macro_f1: Annotated[float, typer.Option("--macro-f1", metavar="X", help="Macro F1, from 0 to 1.")],
    accuracy: Annotated[float, typer.Option("--accuracy", metavar="Y", help="Accuracy, from 0 to 1.")],
    board: Annotated[str, typer.Option("--board", metavar="NAME", help="public or private.")] = "public",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Note what a leaderboard reported for a submission; a later note of the same leaderboard replaces it."""
    from maskwise.store.submissions import BoardName, record_score

    names: tuple[BoardName, ...] = get_args(BoardName)
    chosen = next((name for name in names if name == board), None)
    if chosen is None:
        raise UserError(must("--board", " or ".join(names), board, "Leave it out for public."))
    scored = record_score(store, number, chosen, macro_f1, accuracy)
    typer.echo(
        f"submission {number} ({scored.written.name}): {chosen} macro F1 {macro_f1:.4f}, accuracy {accuracy:.4f}"
    )
