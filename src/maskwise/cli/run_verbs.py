"""Verbs that train or use a model."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli import engine_options
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    ClassesOption,
    DataOption,
    ForceOption,
    JsonOption,
    MirrorOption,
    OwnDataOption,
    QuietOption,
    RecipesArgument,
    RunArgument,
    SetOption,
    SkipOption,
    StoreOption,
    cache_folder,
    needed_data_of_run,
    refuse_missing_folder,
)

if TYPE_CHECKING:
    from maskwise.evaluation.scores import Evaluation
    from maskwise.listeners import Listener
    from maskwise.recipe.config import Recipe
    from maskwise.store.runs import StoredRun
    from maskwise.training.mirrors import MirrorTarget
    from maskwise.workflows.engines import Engine
    from maskwise.workflows.run_recipe import Order

FoldsOption = Annotated[
    int | None,
    typer.Option(min=2, metavar="K", help="Cross-validate: train K models, each scored on people it never saw."),
]
EveryoneOption = Annotated[
    bool, typer.Option("--everyone", help="Train on all people, holding nobody out. The run gets no score.")
]
LikeOption = Annotated[
    str | None, typer.Option(metavar="RUN", help="With --everyone: train for as many epochs as this run selected.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Only resume a stopped run; never start a new one.")]


def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for everything the demo writes.")
    ] = Path("maskwise-demo"),
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Run the whole workflow in minutes: draw people, train, score, predict, write a submission and a report."""
    from maskwise.cli.demo_story import run_demo
    from maskwise.cli.progress import listener

    with listener(quiet) as progress:
        text = run_demo(out, force, sys.argv, progress)
    typer.echo(text)


def recipes(
    action: Annotated[
        str | None,
        typer.Argument(metavar="[show]", help="Optional: `recipes show NAME` and `recipes NAME` are the same."),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The recipe to print.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the recipes that come with maskwise, or print one of them as YAML."""
    from maskwise.cli.plain_json import plain_json
    from maskwise.errors import UserError, must
    from maskwise.recipe.load import ladder_names, shipped_names, shipped_summary, shipped_text

    names = [*shipped_names(), *ladder_names()]
    if as_json:
        typer.echo(plain_json({each: shipped_summary(each) for each in names}))
        return
    if action is None:
        width = max(map(len, names)) + 2
        columns = min(100, shutil.get_terminal_size((100, 24)).columns)
        for each in names:
            indent = " " * width
            typer.echo(textwrap.fill(f"{each:{width}}{shipped_summary(each)}", columns, subsequent_indent=indent))
        return
    if (action == "show") == (name is None):
        got = action if name is None else f"{action} {name}"
        raise UserError(must("what follows `recipes`", "nothing or a name", got, "Try `recipes quick`."))
    typer.echo(shipped_text(name or action), nl=False)


def train(
    recipe: RecipesArgument,
    data: DataOption,
    set_: SetOption = None,
    folds: FoldsOption = None,
    everyone: EveryoneOption = False,
    like: LikeOption = None,
    engine: engine_options.TrainingEngineOption = engine_options.TrainingEngine.SERIAL,
    cores_per_run: engine_options.CoresOption = None,
    gpus_per_run: engine_options.GpusOption = None,
    ray_address: engine_options.AddressOption = None,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    resume: ResumeOption = False,
    skip_unreadable: SkipOption = False,
    mirror: MirrorOption = None,
    classes: ClassesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Train a recipe, score it on people the model never saw, and store the run; several recipes make several runs.

    Repeat the command to resume a stopped run.
    """
    changes = [*(set_ or []), *(["split.kind=k_fold", f"split.folds={folds}"] if folds else [])]
    loaded = [recipe_to_train(each, changes, everyone, like, store) for each in recipe]
    words = engine_options.EngineWords(engine, cores_per_run, gpus_per_run, ray_address)
    refuse_odd_series(len(loaded), words, resume=resume, mirror=bool(mirror))
    refuse_missing_folder("--data", data)

    from maskwise.cli.endings import after_run
    from maskwise.training.mirrors import read_targets
    from maskwise.workflows.refuse_series import refuse_impossible_series
    from maskwise.workflows.run_recipe import Order, Place

    targets = read_targets(mirror or [])
    refuse_impossible_series(loaded)  # before a mirror is begun
    place = Place(data=data, store=store, cache=cache_folder(cache))
    several = len(loaded) > 1
    orders = [
        Order(each, place, tuple(sys.argv), resume, force, skip_unreadable, takes_finished=several) for each in loaded
    ]
    folders = train_orders(orders, targets, words.chosen(), quiet)
    found = [evaluation_of(folder) for folder in folders]
    if as_json:
        texts = ["null" if evaluation is None else evaluation.to_json() for evaluation in found]
        typer.echo(f"[{', '.join(texts)}]" if several else "".join(texts), nl=bool(texts))
        return
    for number, (folder, evaluation) in enumerate(zip(folders, found, strict=True)):
        typer.echo("\n" if number else "", nl=False)
        _print_run(folder, loaded[number].name, evaluation, classes=classes)
    if folders and not several and not quiet:
        typer.echo(f"\n{after_run(loaded[0].name, store)}", err=True)


def refuse_odd_series(n_recipes: int, words: engine_options.EngineWords, *, resume: bool, mirror: bool) -> None:
    """``UserError`` for options that do not go together with so many recipes or the engine."""
    from maskwise.errors import UserError, must

    problems = []
    by_ray = words.engine is engine_options.TrainingEngine.RAY
    if resume and n_recipes > 1:
        problems.append(must("--resume", "given with one recipe", f"{n_recipes}", "Leave it out: they resume."))
    if mirror and by_ray:
        problems.append(must("--mirror", "left out with --engine ray", "both", "Mirrors follow one training."))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and (by_ray or n_recipes > 1):
        got = "--engine ray" if by_ray else f"{n_recipes} recipes"
        problems.append(must("what torchrun starts", "one training", got, "Leave torchrun out, or train one."))
    if problems:
        raise UserError(problems)


def train_orders(orders: list[Order], targets: list[MirrorTarget], engine: Engine, quiet: bool) -> list[Path]:
    """Train all of ``orders``; the folders of their runs, none in a process whose runs nobody reads."""
    from maskwise.cli.progress import listener, trainings_of
    from maskwise.training.processes import follower_store, joined_processes
    from maskwise.workflows.engines import train_order
    from maskwise.workflows.refuse_series import refuse_series

    trainings = sum(trainings_of(order.recipe) for order in orders)
    with (
        joined_processes(),
        follower_store() as elsewhere,
        listener(quiet or elsewhere is not None, trainings) as progress,
    ):
        if elsewhere is not None:
            (order,) = orders
            followed = dataclasses.replace(order.place, store=elsewhere)
            train_order(dataclasses.replace(order, place=followed, resume_only=False), {}, progress)
            return []
        if len(orders) > 1:
            refuse_series([order.recipe for order in orders], orders[0].place, progress)
        ahead = engine.train(orders, progress)
        return [(ahead(order.recipe) or train_mirrored(order, targets, progress)).folder for order in orders]


def train_mirrored(order: Order, targets: list[MirrorTarget], progress: Listener) -> StoredRun:
    """Train in this process; what happens is also written to ``targets``."""
    from maskwise.listeners import Several
    from maskwise.training.mirrors import open_mirrors
    from maskwise.workflows.engines import train_order

    mirrors = open_mirrors(targets, order.recipe, progress)
    run = train_order(order, {}, Several([progress, *mirrors]))
    evaluation = evaluation_of(run.folder)
    for each in mirrors:
        each.finish(run.folder.name, {} if evaluation is None else evaluation.headline())
    return run


def evaluation_of(folder: Path) -> Evaluation | None:
    """The scores of a finished run; None where nobody was held out."""
    from maskwise.store.kept_files import read_evaluation
    from maskwise.store.runs import read_finished

    return read_evaluation(folder) if read_finished(folder).holds_people_out else None


def _print_run(folder: Path, name: str, evaluation: Evaluation | None, *, classes: bool) -> None:
    from maskwise.evaluation.format_table import format_table
    from maskwise.intended_use import not_learned
    from maskwise.store.runs import read_record
    from maskwise.text_table import wrapped

    typer.echo(f"run {folder.name} ({name}) in {folder}\n")
    scores = None if evaluation is None else format_table(evaluation, classes=classes)
    typer.echo(scores or "trained on everyone: nobody was held out, so no score")
    if unlearned := not_learned(read_record(folder).data.absent_classes):
        typer.echo("\n".join(wrapped([unlearned])))


def recipe_to_train(reference: str, changes: list[str], everyone: bool, like: str | None, store: Path) -> Recipe:
    """The recipe of ``train``; ``UserError`` for --like without --everyone, and for what recipes and runs refuse."""
    from maskwise.errors import UserError
    from maskwise.recipe.load import load_recipe
    from maskwise.store.find_run import find_run
    from maskwise.workflows.train_everyone import everyone_recipe

    if like is not None and not everyone:
        raise UserError("--like must come with --everyone, got it alone. Add --everyone, or set train.epochs yourself.")
    if not everyone:
        return load_recipe(reference, changes)
    return everyone_recipe(reference, changes, None if like is None else find_run(store, like))


def submit(
    run: RunArgument,
    data: OwnDataOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The submission to write.")] = Path(
        "submission.csv"
    ),
    store: StoreOption = DEFAULT_STORE,
    skip_unreadable: SkipOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Predict the eval part of a data set and write ImageID,ans in the order of eval/info.csv.

    The file is listed by `maskwise submissions`.
    """
    from maskwise.files import refuse_overwrite
    from maskwise.store.find_run import find_run
    from maskwise.store.runs import read_finished
    from maskwise.store.submissions import record_submission

    refuse_overwrite(out, force)
    if data is not None:
        refuse_missing_folder("--data", data)
    folder = find_run(store, run)
    data = needed_data_of_run(folder, data)

    from maskwise.cli.endings import beside_the_result
    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.data.manifest import eval_names
    from maskwise.data.problems import refuse
    from maskwise.workflows.frame_photos import RunFaces
    from maskwise.workflows.predict_photos import fill_unreadable, predict_photos, write_submission_of

    refuse(eval_names(data)[1])  # without an eval part the photos that were trained on would be predicted

    with listener(quiet) as progress:
        predictions, task = predict_photos(folder, [data], skip_unreadable, progress, RunFaces.AUTO)
        predictions = fill_unreadable(predictions, data, task, progress)
    count = write_submission_of(predictions, data, out)
    number: int | None = None
    with beside_the_result(out):
        number = record_submission(folder.resolve().parent, read_finished(folder), out).number
    if as_json:
        typer.echo(plain_json({"file": out, "photos": count, "number": number}))
    else:
        typer.echo(f"{out}: {count} photos" + ("" if number is None else f", submission {number}"))
