"""``maskwise board`` and ``maskwise tag``: the runs ranked, and what people say of them. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.options import DEFAULT_STORE, ForceOption, JsonOption, LanguageOption, RunArgument, StoreOption

if TYPE_CHECKING:
    from maskwise.store.board import Board
    from maskwise.store.run_record import RunRecord


def board(
    store: StoreOption = DEFAULT_STORE,
    against: Annotated[
        str | None, typer.Option(metavar="RUN", help="Show how each recipe differs from this run's.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=VALUE", help="Only runs with this setting, such as train.epochs=8. Repeatable."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Only runs with this tag. Repeatable.")] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Average runs that differ only in this setting, such as seed. Repeatable."),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Sort by macro_f1, accuracy, mask, gender, age, time, created, name, seed or people."
        ),
    ] = "macro_f1",
    daily: Annotated[bool, typer.Option("--daily", help="Show the best score so far, day by day.")] = False,
    price: Annotated[
        float | None,
        typer.Option(min=0, metavar="PRICE", help="Price per machine hour; adds a column with the cost of each run."),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the board as an HTML page.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the board as a CSV file.")] = None,
    as_json: JsonOption = False,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Rank the finished runs of a store by macro F1 on held-out people."""
    from maskwise.files import refuse_overwrite, write_atomically
    from maskwise.store.board_csv import board_csv, spread_csv
    from maskwise.store.find_run import find_run
    from maskwise.store.runs import read_finished
    from maskwise.store.spread import spread_over

    for file in (html, csv):
        if file is not None:
            refuse_overwrite(file, force)
    compared = None if against is None else read_finished(find_run(store, against))
    found = chosen_board(store, where or [], tag or [], over or [], sort)
    place = f"store: {store}" + ("" if store.is_dir() else " (not there: the first training makes it)")
    if as_json:
        _echo_json(found, None if store.is_dir() else place)
    else:
        text = board_text(found, compared, over or [], daily=daily, price_an_hour=price, sort=sort)
        typer.echo(f"{text}\n\n{place}")
    if csv is not None:
        whole = board_csv(found.rows, against=compared, price_an_hour=price)
        write_atomically(csv, spread_csv(spread_over(found.rows, over)) if over else whole)
    if html is not None:
        from maskwise.reports.board_page import board_page
        from maskwise.reports.reports_beside import reports_beside
        from maskwise.reports.words import in_language

        page = board_page(found, against=compared, price_an_hour=price, reports=reports_beside(html))
        write_atomically(html, in_language(page, language))


def _echo_json(found: Board, note: str | None) -> None:
    """The rows; what is left out of them, and ``note``, stand on stderr, as they have no place for it."""
    from maskwise.cli.plain_json import plain_json
    from maskwise.errors import printable

    typer.echo(plain_json(found.rows))
    for problem in (*found.skipped, *found.damaged_marks, *([] if note is None else [note])):
        typer.echo(printable(problem), err=True)


def tag(
    run: RunArgument,
    add: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Tag to add. Repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Tag to remove. Repeatable.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Note to keep with the run.")] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Add tags and notes to a run, or remove tags. Nothing else about the run changes."""
    from maskwise.cli.plain_json import plain_json
    from maskwise.store.find_run import find_run
    from maskwise.store.marks import mark_run

    folder = find_run(store, run)
    marks = mark_run(folder, add or [], remove or [], note)
    if as_json:
        typer.echo(plain_json({"run": folder.name, "marks": marks}))
        return
    typer.echo(f"run {folder.name}: tags {', '.join(marks.tags) or 'none'}")
    for each in marks.notes:
        typer.echo(f"{each.at_utc[:10]}  {each.text}")


def chosen_board(store: Path, where: list[str], tags: list[str], over: list[str], sort: str) -> Board:
    """The board of the runs that fit, in the order of ``sort``; ``StoreError`` for words that fit no run."""
    import dataclasses

    from maskwise.store.board import read_board
    from maskwise.store.choose_rows import choice_of, read_where, refuse_unknown_addresses, sort_rows
    from maskwise.store.runs import list_runs

    conditions = read_where(where)
    if conditions or over:
        records = [run.record for run in list_runs(store).runs]
        refuse_unknown_addresses("--where", [condition.address for condition in conditions], records)
        refuse_unknown_addresses("--over", over, records)
    found = read_board(store, choice_of(conditions, tags) if conditions or tags else None)
    return dataclasses.replace(found, rows=tuple(sort_rows(found.rows, sort)))


def board_text(
    found: Board,
    against: RunRecord | None,
    over: list[str],
    *,
    daily: bool,
    price_an_hour: float | None,
    sort: str = "macro_f1",
) -> str:
    """What is printed: the table of runs or of means over runs, what differs between recipes, the best by day."""
    from maskwise.store.daily_best import daily_best, format_curves
    from maskwise.store.format_board import format_board, format_differences
    from maskwise.store.spread import format_spreads, spread_over
    from maskwise.text_table import screen_width

    width = screen_width()
    if over:
        blocks = [format_spreads(spread_over(found.rows, over), over, width)]
    else:
        blocks = [format_board(found, width, price_an_hour=price_an_hour, sort=sort)]
    if against is not None:
        blocks.append(format_differences(found.rows, against, width))
    if daily:
        blocks.append(format_curves(daily_best(found.rows), width))
    return "\n\n".join(blocks)
