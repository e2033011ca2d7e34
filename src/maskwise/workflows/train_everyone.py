"""After selection: a recipe changed so that everybody trains, for as many epochs as selection chose. No torch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import StoreError
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.store.kept_files import check_kept
from maskwise.store.layout import fold_folder
from maskwise.store.runs import read_finished
from maskwise.training.fold_files import DONE, read_done

SUFFIX = "-everyone"
_LONGEST_NAME = 64


def everyone_recipe(reference: str, changes: Sequence[str], like: Path | None) -> Recipe:
    """The recipe ``reference`` with ``path=value`` changes, and nobody held out.

    With ``like``, the folder of a finished run, the last of as many epochs is kept as that run's selection chose. The
    name gets a suffix unless the changes give one, so that the scored run keeps its own. ``RecipeError`` for what
    cannot be, ``StoreError`` where ``like`` does not show it.
    """
    copied = [] if like is None else [f"train.epochs={chosen_epochs(like)}", "train.checkpoint.kind=last"]
    recipe = load_recipe(reference, [*changes, *copied, "split.kind=everyone"])
    if any(change.partition("=")[0].strip() == "name" for change in changes):
        return recipe
    return recipe.model_copy(update={"name": recipe.name[: _LONGEST_NAME - len(SUFFIX)] + SUFFIX})


def chosen_epochs(folder: Path) -> int:
    """How many epochs the kept weights of the run in ``folder`` were trained; of several folds the median, rounded up.

    ``StoreError`` for a run that is not finished, and for one that has not one model a fold, as an ensemble.
    """
    record = read_finished(folder)
    paths = [fold_folder(folder, fold) / DONE for fold in range(record.folds)]
    if not paths or not all(path.is_file() for path in paths):
        raise StoreError(
            f"run {record.run_id} ({record.name}) must be of one training a fold for --like, got another kind of run. "
            "Set train.epochs yourself."
        )
    check_kept(folder, *paths)
    best_epochs = [read_done(path.parent).best_epoch for path in paths]
    return 1 + math.ceil(statistics.median(best_epochs))
