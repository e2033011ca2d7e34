"""``maskwise search``: one change at a time on top of a recipe, compared in pairs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from maskwise.cli import engine_options
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    DataOption,
    JsonOption,
    QuietOption,
    RecipeArgument,
    SetOption,
    StoreOption,
    cache_folder,
    refuse_missing_folder,
)
from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from maskwise.recipe.config import Recipe
    from maskwise.sweeps.search_lists import Alternative, Scaling


class What(StrEnum):
    """What can be searched."""

    AUGMENTATIONS = "augmentations"
    OPTIMIZERS = "optimizers"
    BATCH_SIZES = "batch-sizes"


class ScaleRate(StrEnum):
    """The words of ``--scale-rate``."""

    NONE = "none"
    LINEAR = "linear"
    SQRT = "sqrt"


def search(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="augmentations, optimizers or batch-sizes.")],
    recipe: RecipeArgument,
    data: DataOption,
    list_: Annotated[
        str | None, typer.Option("--list", metavar="A,B…", help="Try only these kinds or sizes, separated by commas.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="K", help="Seeds per alternative.")] = 1,
    scale_rate: Annotated[
        ScaleRate | None,
        typer.Option(
            help="How the learning rate scales with the batch size.", show_default="linear with sgd, else sqrt"
        ),
    ] = None,
    set_: SetOption = None,
    engine: engine_options.TrainingEngineOption = engine_options.TrainingEngine.SERIAL,
    cores_per_run: engine_options.CoresOption = None,
    gpus_per_run: engine_options.GpusOption = None,
    ray_address: engine_options.AddressOption = None,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try alternatives to a recipe, each a single change, and rank them by macro F1 on the same held-out people.

    augmentations: each kind added, or removed where the recipe has it. optimizers: each kind at three rates.
    batch-sizes: 16, 32, 64 and 128 photos; `batch-size` finds what fits. Every alternative is a run in the store.
    Repeat the command to resume.
    """
    from maskwise.recipe.load import load_recipe
    from maskwise.sweeps.search_lists import plan_search

    words = None if list_ is None else [word.strip() for word in list_.split(",")]
    loaded = load_recipe(recipe, set_ or [])
    plan = plan_search(loaded, alternatives(what, loaded, words, scale_rate), seeds, by_name=words is not None)
    refuse_missing_folder("--data", data)

    from maskwise.cli.plain_json import plain_json
    from maskwise.cli.progress import listener
    from maskwise.sweeps.format_search import format_plan, format_search
    from maskwise.sweeps.search_settings import score_search, train_alternatives
    from maskwise.text_table import screen_width
    from maskwise.workflows.run_recipe import Place

    trainer = engine_options.EngineWords(engine, cores_per_run, gpus_per_run, ray_address).chosen()
    place = Place(data=data, store=store, cache=cache_folder(cache))
    with listener(quiet) as progress:
        for line in format_plan(plan):
            progress.on_note(line)
        arms = train_alternatives(plan, place, sys.argv, progress, trainer)
    found = score_search(plan, arms)
    typer.echo(plain_json(found) if as_json else format_search(found, screen_width()))


def alternatives(
    what: What, recipe: Recipe, words: list[str] | None, scale_rate: ScaleRate | None
) -> list[Alternative]:
    """What to try on ``recipe``; ``UserError`` for unknown words, and for --scale-rate where it has no effect."""
    from maskwise.sweeps import search_lists

    if scale_rate is not None and what is not What.BATCH_SIZES:
        rule = "left out but for batch-sizes"
        raise UserError(must("--scale-rate", rule, str(scale_rate), "Leave it out."))
    match what:
        case What.AUGMENTATIONS:
            return search_lists.chosen_alternatives(search_lists.augmentations_to_try(recipe), words)
        case What.OPTIMIZERS:
            return search_lists.chosen_alternatives(search_lists.optimizers_to_try(recipe), words)
        case What.BATCH_SIZES:
            sizes = search_lists.BATCH_SIZES if words is None else sizes_of(words)
            return search_lists.batch_sizes_to_try(recipe, sizes, scaling_of(scale_rate))
        case _:
            assert_never(what)


def sizes_of(words: list[str]) -> list[int]:
    """The batch sizes in ``words``; ``UserError`` for words that are no whole number of 2 or more."""
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and int(word) >= 2)]
    if wrong:
        raise UserError([must("--list", "of whole numbers from 2 on", word, "For example 16,64.") for word in wrong])
    return [int(word) for word in words]


def scaling_of(word: ScaleRate | None) -> Scaling | None:
    """The rule that a word of ``--scale-rate`` stands for."""
    match word:
        case None:
            return None
        case ScaleRate.NONE:
            return "none"
        case ScaleRate.LINEAR:
            return "linear"
        case ScaleRate.SQRT:
            return "sqrt"
        case _:
            assert_never(word)
