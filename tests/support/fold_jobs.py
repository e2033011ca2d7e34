"""Fold jobs for tests: one model, and the first single-model recipe where there are parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.photo_set import PhotoSet
from maskwise.listeners import Listener, Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes


def fold_job(
    recipe: Recipe,
    photos: PhotoSet,
    held_out_N: NDArray[np.bool_],
    folder: Path = Path("unused"),
    listener: Listener | None = None,
) -> FoldJob:
    return FoldJob(single_recipes(recipe)[0], photos, held_out_N, 0, folder, listener or Silent())
