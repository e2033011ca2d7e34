"""The settings of a sweep: where it starts, what it may change, how it chooses and gives up. No torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings


class IntRange(Settings):
    """Whole numbers from ``low`` to ``high``, both included."""

    kind: Literal["int"] = "int"

    low: int
    """The smallest."""

    high: int
    """The largest."""

    step: int = Field(default=1, ge=1)
    """What neighbors lie apart."""

    log: bool = False
    """Whether every doubling is as likely as the next."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        _refuse_odd_range(self.low, self.high, self.step if self.step != 1 else None, log=self.log)
        return self


class FloatRange(Settings):
    """Numbers from ``low`` to ``high``, both included."""

    kind: Literal["float"] = "float"

    low: float = Field(allow_inf_nan=False)
    """The smallest."""

    high: float = Field(allow_inf_nan=False)
    """The largest."""

    step: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """What neighbors lie apart. Unset: any number in between."""

    log: bool = False
    """Whether every doubling is as likely as the next."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        _refuse_odd_range(self.low, self.high, self.step, log=self.log)
        return self


RANGE_KINDS = ("int", "float")


class RandomSampler(Settings):
    """Every run by itself, at random. Nothing is learned on the way, so any number of processes costs nothing."""

    kind: Literal["random"] = "random"


class TpeSampler(Settings):
    """Where good runs were denser than others (Bergstra et al. 2011, tree-structured Parzen estimator)."""

    kind: Literal["tpe"] = "tpe"

    startup_runs: int = Field(default=10, ge=1)
    """So many runs are sampled at random before it learns from them."""


class GridSampler(Settings):
    """Every combination once, in a shuffled order. A range needs a step."""

    kind: Literal["grid"] = "grid"


TrialSamplerConfig = Annotated[RandomSampler | TpeSampler | GridSampler, Field(discriminator="kind")]


class NoPruning(Settings):
    """Every run is trained to its end."""

    kind: Literal["none"] = "none"


class MedianPruning(Settings):
    """Give a run up that is worse than the median of the others after as many epochs."""

    kind: Literal["median"] = "median"

    startup_runs: int = Field(default=5, ge=1)
    """So many runs are trained to their end before any is given up."""

    warmup_epochs: int = Field(default=1, ge=1)
    """Nothing is given up before so many epochs are done."""


class HalvingPruning(Settings):
    """Only the best share of the runs goes on beyond each rung (asynchronous halving, arXiv 1810.05934)."""

    kind: Literal["halving"] = "halving"

    first_epochs: int = Field(default=1, ge=1)
    """Epochs up to the first rung; every other rung is ``reduction`` times as far."""

    reduction: int = Field(default=2, ge=2)
    """One run in so many passes a rung."""


PruningConfig = Annotated[NoPruning | MedianPruning | HalvingPruning, Field(discriminator="kind")]


class Space(Settings):
    """One sweep. The file's first lines say the command, its cost and what it is for."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """What the sweep is called; its runs are called so, too, with a number."""

    base: str
    """The recipe that is changed: a shipped one's name, or a file (a path from this file)."""

    changes: dict[str, Any] = Field(default_factory=dict)
    """What every run of the sweep has otherwise than the base: settings by address, as ``--set`` takes them."""

    search: dict[str, Any] = Field(min_length=1)
    """What is tried, by address: a list of values (whole groups, too), or a range {kind: float, low: 0, high: 1}."""

    sampler: TrialSamplerConfig = TpeSampler()
    """How the next run is chosen."""

    pruning: PruningConfig = NoPruning()
    """Which runs are given up on the way."""

    runs: int | None = Field(default=None, ge=1)
    """So many runs are tried, given up or not. Unset: 20, or all points of a grid."""

    seed: int = Field(default=0, ge=0)
    """The seed of the sampler. The training's own is the recipe's seed."""


def _refuse_odd_range(low: float, high: float, step: float | None, *, log: bool) -> None:
    if low >= high:
        raise ValueError(must("low", f"below high ({high})", low, "Swap them, or set the value in changes."))
    if log and low <= 0:
        raise ValueError(must("low", "above 0 with log", low, "Raise it, or leave log out."))
    if log and step is not None:
        raise ValueError(must("step", "left out with log", step, "Leave one of the two out."))
    if step is not None and step > high - low:
        raise ValueError(must("step", f"at most high - low ({high - low:g})", step, "Lower it."))
