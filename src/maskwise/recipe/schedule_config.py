"""How the learning rate changes over the epochs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings


class Constant(Settings):
    """The rate stays as it is."""

    kind: Literal["constant"] = "constant"


class Step(Settings):
    """The rate is multiplied by ``gamma`` every ``step_epochs`` epochs after the warm-up, as torch's StepLR."""

    kind: Literal["step"] = "step"

    step_epochs: int = Field(default=20, ge=1)
    """Epochs between two drops."""

    gamma: float = Field(default=0.5, gt=0, lt=1)
    """Factor of each drop."""


class Cosine(Settings):
    """The rate falls along half a cosine to ``final_share`` of itself (arXiv 1608.03983, without restarts)."""

    kind: Literal["cosine"] = "cosine"

    final_share: float = Field(default=0.01, ge=0, lt=1)
    """What is left of the rate at the end."""


class CosineRestarts(Settings):
    """Several half cosines one after the other, each from the full rate (SGDR, arXiv 1608.03983)."""

    kind: Literal["cosine_restarts"] = "cosine_restarts"

    cycles: int = Field(default=3, ge=2, le=100)
    """How often the rate falls; together the cycles fill the epochs."""

    length_factor: float = Field(default=1.0, ge=1, le=10)
    """Each cycle is so many times longer than the one before (T_mult in the paper)."""

    final_share: float = Field(default=0.01, ge=0, lt=1)
    """What is left of the rate at the end of each cycle."""


class OneCycle(Settings):
    """The rate rises to its peak and falls to almost nothing, both along half a cosine (arXiv 1708.07120).

    As torch's OneCycleLR with two phases; momentum stays as it is. It begins with its own warm-up.
    """

    kind: Literal["one_cycle"] = "one_cycle"

    rise_share: float = Field(default=0.3, gt=0, lt=1)
    """Share of the training in which the rate rises."""

    start_share: float = Field(default=0.04, ge=0, lt=1)
    """The first rate, as a share of the optimizer's rate, which is the peak."""

    final_share: float = Field(default=4e-6, ge=0, lt=1)
    """The last rate, as a share of the peak."""


class Polynomial(Settings):
    """The rate falls to zero as a power of the time that is left, as torch's PolynomialLR."""

    kind: Literal["polynomial"] = "polynomial"

    power: float = Field(default=1.0, gt=0, le=100)
    """1 falls along a line; larger powers fall earlier."""


ScheduleConfig = Annotated[
    Constant | Step | Cosine | CosineRestarts | OneCycle | Polynomial, Field(discriminator="kind")
]
