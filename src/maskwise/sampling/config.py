"""Settings of the samplers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings


class Natural(Settings):
    """Every photo once an epoch, in random order: class and person shares are those of the data set."""

    kind: Literal["natural"] = "natural"


class Weighted(Settings):
    """As many draws as photos, with replacement; every training class that occurs is drawn equally often on average.

    Within a class all photos are drawn alike, so a person's share of a class's draws is his share of its photos.
    """

    kind: Literal["weighted"] = "weighted"


SamplerConfig = Annotated[Natural | Weighted, Field(discriminator="kind")]
