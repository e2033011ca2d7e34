"""``maskwise data …``: draw and check data sets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.audit_verb import audit
from maskwise.cli.import_verb import import_set
from maskwise.cli.options import CorrectionsOption, JsonOption, QuietOption, refuse_missing_folder
from maskwise.errors import CheckFailedError, counted, printable

app = typer.Typer(
    help="Import, check and audit data sets; draw people and masks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("import", short_help="Import a set of faces as a data set")(import_set)
app.command("audit", short_help="Find labels that are likely wrong")(audit)


@app.command("demo", short_help="Draw a data set of synthetic portraits")
def draw_demo(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must not exist yet.")],
    people: Annotated[int, typer.Option(min=2, metavar="N", help="Number of labeled people, seven photos each.")] = 120,
    eval_people: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Number of unlabeled people to predict.", show_default="two thirds of --people"
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Random seed; the same seed draws the same people.")
    ] = 0,
    quiet: QuietOption = False,
) -> None:
    """Draw a data set of synthetic portraits; the labels of its eval part go to a separate file."""
    from maskwise.cli.progress import listener
    from maskwise.drawing.demo_set import write_demo_set

    to_predict = eval_people if eval_people is not None else max(1, round(people * 2 / 3))
    with listener(quiet) as progress:
        progress.on_stage("drawing photos", 7 * (people + to_predict))
        write_demo_set(out, people, to_predict, seed, progress.on_advance)
    typer.echo(f"{out}: {people} people to train on, {to_predict} to predict, 7 photos each")


@app.command("masks", short_help="Draw masks on portraits")
def draw_masks(
    folder: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of unmasked portraits, one per person.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must not exist yet.")],
    per_portrait: Annotated[
        int,
        typer.Option(
            min=3,
            max=7,
            metavar="N",
            help="Photos per portrait: one without a mask, one with it worn incorrectly, the rest correctly.",
        ),
    ] = 7,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Random seed; the same seed draws the same masks.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Draw masks on portraits. drawn.jsonl lists what was drawn, refused.csv the portraits that could not be used."""
    refuse_missing_folder("SRC", folder)

    from maskwise.cli.progress import listener
    from maskwise.data.manifest import read_folder
    from maskwise.workflows.draw_portraits import draw_portraits

    with listener(quiet) as progress:
        progress.on_stage("drawing masks", len(read_folder(folder, progress.on_note)))
        drawn, refused = draw_portraits(folder, out, per_portrait, seed, progress.on_advance)
    for portrait in refused:
        typer.echo(f"{printable(portrait.photo)}: refused: {portrait.refused}")
    typer.echo(f"{out}: {len(drawn)} portraits, {per_portrait} photos each; {len(refused)} refused")


@app.command("check", short_help="List every problem of a data set")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Data set: a folder with train/ and eval/.")],
    names_only: Annotated[
        bool,
        typer.Option("--names-only", help="Check tables and file names only, without opening photos. Much faster."),
    ] = False,
    corrections: CorrectionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every problem of a data set at once. Exits with 1 if there is an error."""
    refuse_missing_folder("DIR", folder)

    from maskwise.cli.plain_json import plain_json
    from maskwise.data.checks import check_data
    from maskwise.data.sources import describe_sources
    from maskwise.labels import Task

    problems = check_data(folder, Task(), names_only=names_only, corrections=corrections or ())
    if as_json:
        typer.echo(plain_json(problems))
        if any(problem.severity == "error" for problem in problems):
            raise CheckFailedError(f"{folder} has errors. Fix them, then check again.")
        return
    for source in describe_sources(folder):
        typer.echo(source)
    for problem in problems:
        typer.echo(printable(str(problem)))
    errors = sum(problem.severity == "error" for problem in problems)
    if not errors:
        typer.echo(_contents(folder, corrections or []))
    typer.echo(f"{folder}: {counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}")
    if errors:
        raise CheckFailedError(f"{folder} has {counted(errors, 'error')}. Fix them, then check again.")


def _contents(folder: Path, corrections: list[str]) -> str:
    """What a sound data set holds: people, photos, classes."""
    from maskwise.data.layout import EVAL_CSV
    from maskwise.data.manifest import read_eval, read_train
    from maskwise.labels import Task, known_attributes

    manifest = read_train(folder, Task(), corrections)
    task = Task(attributes=known_attributes(manifest.table))
    table = task.label(manifest.table)
    people, classes = len(set(table.person_N.tolist())), len(set(table.class_N.tolist()))
    train = f"train: {counted(people, 'person', 'people')}, {counted(len(table), 'photo')}, "
    only = "" if len(task.attributes) == len(Task().attributes) else f" (labels of {', '.join(task.attributes)} alone)"
    lines = [f"{train}{classes} of {task.n_classes} classes{only}"]
    endings = Counter(photo.rpartition("/")[2].rpartition(".")[2].lower() for photo in table.photo_N.tolist())
    if len(endings) > 1:
        lines.append("by ending: " + ", ".join(f"{count:,} {ending}" for ending, count in endings.most_common()))
    if (folder / EVAL_CSV).is_file():
        lines.append(f"eval: {counted(len(read_eval(folder, task)), 'photo')}")
    return "\n".join(lines)
