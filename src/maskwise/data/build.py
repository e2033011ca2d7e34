"""From settings to the functions of the data room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np

from maskwise.data.config import BY_PHOTO_REFUSED, ByPhoto, Everyone, HoldOut, KFold, SplitConfig
from maskwise.data.splits import hold_nobody_out, hold_out, k_fold
from maskwise.errors import RecipeError
from maskwise.labels import Task
from maskwise.records import Ints, PhotoTable

Split = Callable[[PhotoTable, np.random.Generator], Ints]
"""``split(table, rng) → fold_N``: the fold that holds each photo out, -1 for photos that are never held out."""


def build_split(config: SplitConfig, task: Task) -> Split:
    """The split that ``config`` describes; ``task`` lends the class names for its messages."""
    match config:
        case HoldOut():
            return partial(hold_out, share=config.share, class_names=task.class_names)
        case KFold():
            return partial(k_fold, folds=config.folds, class_names=task.class_names)
        case Everyone():
            return hold_nobody_out
        case ByPhoto():
            raise RecipeError(BY_PHOTO_REFUSED)
        case _:
            assert_never(config)
