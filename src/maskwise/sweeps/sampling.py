"""Optuna's samplers and pruners from their settings, and who chooses for a trial."""

from __future__ import annotations

from typing import Any, assert_never

from maskwise.seeds import rng_for
from maskwise.sweeps.config import (
    FloatRange,
    GridSampler,
    HalvingPruning,
    IntRange,
    MedianPruning,
    NoPruning,
    PruningConfig,
    RandomSampler,
    TpeSampler,
    TrialSamplerConfig,
)
from maskwise.sweeps.dimensions import Label
from maskwise.sweeps.storage import needed_optuna


class TrialPick:
    """Optuna's trial chooses; what it has chosen once it chooses again."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial

    def label(self, name: str, labels: Any) -> Label:
        """One of ``labels``."""
        chosen: Label = self.trial.suggest_categorical(name, list(labels))
        return chosen

    def number(self, name: str, within: IntRange | FloatRange) -> float:
        """A number of the range."""
        if isinstance(within, IntRange):
            return int(self.trial.suggest_int(name, within.low, within.high, step=within.step, log=within.log))
        return float(self.trial.suggest_float(name, within.low, within.high, step=within.step, log=within.log))


def build_sampler(config: TrialSamplerConfig, seed: int, number: int) -> Any:
    """The sampler of Optuna that proposes trial ``number``.

    Each trial has one of its own, whose seed follows from ``seed`` and the number, so it is the same in every
    process. What there is to learn stands in the storage.
    """
    samplers = needed_optuna().samplers
    own_seed = int(rng_for(seed, "sweep", number).integers(2**31))
    match config:
        case RandomSampler() | GridSampler():  # the points of a grid wait in the storage from the start
            return samplers.RandomSampler(seed=own_seed)
        case TpeSampler(startup_runs=startup_runs):
            # Runs in training count as bad, so that two processes do not try the same.
            return samplers.TPESampler(n_startup_trials=startup_runs, seed=own_seed, constant_liar=True)
        case _:
            assert_never(config)


def build_pruner(config: PruningConfig) -> Any:
    """The pruner of Optuna; its steps are epochs, counted from 1."""
    pruners = needed_optuna().pruners
    match config:
        case NoPruning():
            return pruners.NopPruner()
        case MedianPruning(startup_runs=startup_runs, warmup_epochs=warmup_epochs):
            return pruners.MedianPruner(n_startup_trials=startup_runs, n_warmup_steps=warmup_epochs)
        case HalvingPruning(first_epochs=first_epochs, reduction=reduction):
            return pruners.SuccessiveHalvingPruner(min_resource=first_epochs, reduction_factor=reduction)
        case _:
            assert_never(config)
