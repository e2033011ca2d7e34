"""``maskwise sweep``: many runs around a recipe, chosen by a sampler; and what they found."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from maskwise.cli import engine_options
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    QuietOption,
    SetOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)
from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from maskwise.sweeps.load_space import Sweep

DEFAULT_RUNS = 20
SpaceArgument = Annotated[
    str | None, typer.Argument(metavar="SPACE", help="A shipped space or a YAML file; `show` prints results.")
]
NameArgument = Annotated[str | None, typer.Argument(metavar="[NAME]", help="After `show`: the name of a sweep.")]
SweptDataOption = Annotated[
    Path | None,
    typer.Option("--data", "-d", metavar="DIR", envvar="MASKWISE_DATA", help="Data set: a folder with train/."),
]
BaseOption = Annotated[str | None, typer.Option(metavar="RECIPE", help="Base recipe, in place of the space's.")]
RunsOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Total number of runs, including those of other processes.", show_default="the space's"
    ),
]
MinutesOption = Annotated[
    float | None, typer.Option(min=0.0, metavar="MIN", help="Start no new run after this many minutes.")
]
ConfirmOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="K", help="Retrain the best K and score them on people not used for the search."),
]
ConfirmSeedsOption = Annotated[int, typer.Option(min=1, metavar="K", help="Seeds for --confirm.")]
StorageOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Database of the trials: sqlite:///…, postgresql+psycopg://…, mysql+pymysql://…",
        show_default="a file in the store",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for a page, a plot and the best recipe.")
]
ListOption = Annotated[bool, typer.Option("--list", help="List the shipped spaces and the sweeps of this store.")]

WantedPage = tuple[Path | None, Literal["en", "ko"] | None]
"""The folder of the page, and its language."""


@dataclass(frozen=True)
class Wanted:
    """How much is to be done, and where trials are written down."""

    runs: int | None
    minutes: float | None
    confirm: int | None
    confirm_seeds: int
    storage: str | None
    engine: engine_options.EngineWords


def sweep(
    space: SpaceArgument = None,
    name: NameArgument = None,
    data: SweptDataOption = None,
    base: BaseOption = None,
    set_: SetOption = None,
    runs: RunsOption = None,
    minutes: MinutesOption = None,
    confirm: ConfirmOption = None,
    confirm_seeds: ConfirmSeedsOption = 2,
    storage: StorageOption = None,
    engine: engine_options.TrainingEngineOption = engine_options.TrainingEngine.SERIAL,
    cores_per_run: engine_options.CoresOption = None,
    gpus_per_run: engine_options.GpusOption = None,
    ray_address: engine_options.AddressOption = None,
    out: OutOption = None,
    language: LanguageOption = None,
    list_: ListOption = False,
    force: ForceOption = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Search many settings around a recipe and rank them by paired comparison; `sweep show NAME` prints the results.

    Repeat the command to resume, or start it in another process to share the work: nothing is trained twice. Every
    finished trial is a run in the store.
    """
    if list_:
        typer.echo(listed(store, as_json=as_json))
        return
    if space is None:
        raise UserError("SPACE must be given, got none. `maskwise sweep --list` names the ready ones.")
    if out is not None:
        refuse_results(out, force)
    if space == "show":
        show(name, store, storage, (out, language), as_json=as_json)
        return
    if name is not None:
        raise UserError(must("what follows SPACE", "an option", name, "Only `sweep show NAME` takes two words."))
    if data is None:
        raise UserError("--data must be given, got none. Name the folder of the data set.")
    planned, notes = plan(space, base, set_ or [], storage)
    refuse_missing_folder("--data", data)
    words = engine_options.EngineWords(engine, cores_per_run, gpus_per_run, ray_address)
    wanted = Wanted(runs, minutes, confirm, confirm_seeds, storage, words)
    study = train_sweep(planned, notes, wanted, (data, store, cache_folder(cache)), quiet)
    print_results(study, store, (out, language), as_json=as_json)


def plan(space: str, base: str | None, changes: list[str], storage: str | None) -> tuple[Sweep, list[str]]:
    """The checked sweep, and what is to be said of it. Loads no torch."""
    from maskwise.sweeps.check_space import check_space
    from maskwise.sweeps.load_space import load_sweep
    from maskwise.sweeps.storage import check_url, needed_optuna

    needed_optuna()
    check_url(storage)
    planned = load_sweep(space, base, changes)
    caution = check_space(planned)
    return planned, [line for line in [caution] if line]


def train_sweep(planned: Sweep, notes: list[str], wanted: Wanted, folders: tuple[Path, Path, Path], quiet: bool) -> Any:
    """Work on the sweep until it is done or the time is over; returns Optuna's study.

    ``folders`` are those of the data, the runs and the decoded pixels.
    """
    from maskwise.cli.progress import listener
    from maskwise.fitting.expected_time import series_line
    from maskwise.sweeps.format_sweep import format_sweep_plan
    from maskwise.sweeps.results import read_results
    from maskwise.sweeps.run_sweep import SweepWork, confirm_best, run_sweep, share_sweep
    from maskwise.sweeps.storage import hidden
    from maskwise.sweeps.trial_queue import open_queue
    from maskwise.workflows.refuse_series import refuse_series
    from maskwise.workflows.run_recipe import Place
    from maskwise.workflows.train_or_read import describe_data

    ends_at_s = math.inf if wanted.minutes is None else time.monotonic() + 60 * wanted.minutes
    runs = wanted.runs or planned.space.runs or number_of_runs(planned)
    place, engine = Place(*folders), wanted.engine.chosen()
    with listener(quiet) as progress:
        for line in [format_sweep_plan(planned.space, runs), *notes]:
            progress.on_note(line)
        refuse_series([planned.base], place, progress)
        about = describe_data(planned.base, place, progress)
        progress.on_note(series_line([planned.base] * runs, 0, about.n_photos, place.cache))
        queue = open_queue(planned, about, place.store, wanted.storage, runs)
        work = SweepWork(queue, place, about, [hidden(word) for word in sys.argv], progress, ends_at_s, engine)
        share_sweep(work, wanted.storage)
        if not run_sweep(work):
            progress.on_note("the time is over; the same command goes on")
        elif wanted.confirm is not None:
            confirm_best(work, read_results(queue.study, place.store), wanted.confirm, wanted.confirm_seeds)
    return queue.study


def number_of_runs(planned: Sweep) -> int:
    """Runs where nobody says how many: all points of a grid, else a few."""
    from maskwise.sweeps.dimensions import grid_points

    return len(grid_points(planned.dimensions)) if planned.space.sampler.kind == "grid" else DEFAULT_RUNS


def show(name: str | None, store: Path, storage: str | None, page: WantedPage, *, as_json: bool) -> None:
    """Print what a sweep has found so far. Trains nothing and loads no torch."""
    from maskwise.sweeps.results import find_study
    from maskwise.sweeps.storage import check_url

    check_url(storage)
    if name is None:
        raise UserError(
            "what follows `sweep show` must be a sweep's name, got nothing. `maskwise sweep --list` names them."
        )
    print_results(find_study(store, storage, name), store, page, as_json=as_json)


def print_results(study: Any, store: Path, page: WantedPage, *, as_json: bool) -> None:
    """Print the results; with a folder in ``page`` write the page, the picture and the best recipe, too."""
    out, language = page
    from maskwise.cli.plain_json import plain_json
    from maskwise.sweeps.confirm import read_confirmation
    from maskwise.sweeps.format_sweep import format_results
    from maskwise.sweeps.results import read_results
    from maskwise.text_table import screen_width

    found = read_results(study, store)
    confirmation = read_confirmation(study, found, store)
    results = {"results": found, "confirmation": confirmation, "folder": out}
    typer.echo(plain_json(results) if as_json else format_results(found, confirmation, screen_width()))
    if out is None:
        return
    from maskwise.files import write_atomically
    from maskwise.reports.sweep_page import sweep_files
    from maskwise.reports.words import in_language

    for file, content in sweep_files(found, confirmation).items():
        write_atomically(out / file, in_language(content, language) if file.endswith(".html") else content)
    typer.echo(f"written: {out}", err=as_json)


def refuse_results(out: Path, force: bool) -> None:
    """Refuse before anything is trained what would overwrite an earlier page."""
    from maskwise.files import refuse_overwrite

    refuse_overwrite(out / "sweep.html", force)


def listed(store: Path, *, as_json: bool) -> str:
    """The ready spaces with what they are for, and the sweeps that were begun on the store."""
    from maskwise.cli.plain_json import plain_json
    from maskwise.sweeps.load_space import shipped_spaces, space_summary
    from maskwise.sweeps.storage import study_names

    spaces, begun = {each: space_summary(each) for each in shipped_spaces()}, study_names(store)
    if as_json:
        return plain_json({"spaces": spaces, "begun": begun})
    lines = [f"{each:16} {summary}" for each, summary in spaces.items()]
    return "\n".join([*lines, *(["", f"begun in {store}: {', '.join(begun)}"] if begun else [])])
