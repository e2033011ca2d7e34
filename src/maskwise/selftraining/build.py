"""From settings to a pseudo-labeler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np

from maskwise.recipe.self_training_config import (
    Confident,
    Everything,
    Hard,
    KeepConfig,
    PseudoLabelConfig,
    Soft,
    TopShare,
)
from maskwise.records import Predictions
from maskwise.selftraining.select import (
    Keep,
    PseudoLabels,
    hard_target,
    keep_confident,
    keep_everything,
    keep_top_share,
    select,
    soft_target,
)

Selector = Callable[[Predictions, np.random.Generator], PseudoLabels]
"""``select(predictions, rng) → (photo_id_M, target_MC, weight_M)``: never a labeled photo."""


def build_selector(config: PseudoLabelConfig) -> Selector:
    """The pseudo-labeler that ``config`` describes."""
    keep = _build_keep(config.keep)
    match config:
        case Hard():
            return partial(select, keep=keep, target=hard_target, weight=config.weight)
        case Soft():
            target = partial(soft_target, temperature=config.temperature)
            return partial(select, keep=keep, target=target, weight=config.weight)
        case _:
            assert_never(config)


def _build_keep(config: KeepConfig) -> Keep:
    match config:
        case Everything():
            return keep_everything
        case Confident():
            return partial(keep_confident, threshold=config.threshold)
        case TopShare():
            return partial(keep_top_share, share=config.share)
        case _:
            assert_never(config)
