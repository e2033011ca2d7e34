"""Settings of the data room."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.labels import PhotoGroup
from maskwise.settings import Settings

CONSENSUS = "consensus"
"""The word for the shipped list of the competition's known wrong labels."""
RANGE_RULE = "the youngest and the oldest age in years"


class DrawMasks(Settings):
    """Masks drawn on the unmasked photos of the people who train: more photos, with the new mask status for a label."""

    copies: int = Field(default=2, ge=1, le=20)
    """Photos drawn from each unmasked one. The unmasked one stays."""

    incorrect_share: float = Field(default=0.2, ge=0, le=1)
    """The share of them that wears the mask wrong; it is a chance of each, so the numbers vary a little."""

    seed: int = Field(default=0, ge=0)
    """Which masks are drawn. A number of its own, so that runs of other training seeds learn from the same photos."""


class DataConfig(Settings):
    """What is done to a data set's labels before anything else, and which of its photos are used."""

    corrections: tuple[str, ...] = ()
    """Lists of wrong labels to put right: CSV files of id,attribute,value, or the word consensus for the shipped."""

    drop_ages_years: tuple[tuple[int, int], ...] = ()
    """Nobody of these ages trains: ranges, both ends included. [[27, 29], [57, 59]] leaves out those near a border,
    whose group a photo hardly shows, as the competition's best team did. The people who are scored all stay."""

    only: PhotoGroup | None = None
    """Train on these photos and be scored on these photos alone, e.g. {mask: worn}. Unset: all photos."""

    draw_masks: DrawMasks | None = None
    """Further training photos with masks drawn on, e.g. {copies: 2}; who is scored gets none. Unset: none."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        if self.draw_masks is not None and self.only is not None and self.only.mask is not None:
            remedy = "Leave one of the two out."
            raise ValueError(must("data.only", "free of mask beside draw_masks", f"mask: {self.only.mask}", remedy))
        ranges = self.drop_ages_years
        apart = all(earlier[1] < later[0] for earlier, later in itertools.pairwise(ranges))
        if not (apart and all(_is_range(ages) for ages in ranges)):
            got = [list(ages) for ages in ranges]
            rule = f"a rising list of ranges that do not overlap, each {RANGE_RULE}"
            raise ValueError(must("data.drop_ages_years", rule, got, "For example [[27, 29], [57, 59]]."))
        return self


def _is_range(ages_years: tuple[int, int]) -> bool:
    return 0 <= ages_years[0] <= ages_years[1]


BY_PHOTO_REFUSED = (
    "split.kind must be hold_out or k_fold, got 'by_photo'. "
    "Split by photo, photos of one person stand on both sides: a validation so made said 0.93 where the leaderboard "
    "said 0.71. Choose hold_out or k_fold, which never part a person."
)


class HoldOut(Settings):
    """One share of the people is held out for validation, each joint class alike."""

    kind: Literal["hold_out"] = "hold_out"
    share: float = Field(default=0.2, gt=0, lt=1)
    """The share of the people that is held out; every joint class keeps a person on both sides."""

    seed: int = Field(default=0, ge=0)
    """Who is held out. A number of its own, so that runs of other training seeds are scored on the same people."""


class KFold(Settings):
    """The people are dealt into folds, each joint class alike; every fold is held out once."""

    kind: Literal["k_fold"] = "k_fold"
    folds: int = Field(default=5, ge=2)
    """The number of folds, hence of models. A joint class needs at least as many people."""

    seed: int = Field(default=0, ge=0)
    """Who falls into which fold. A number of its own, so that runs of other training seeds are scored alike."""


class Everyone(Settings):
    """Nobody is held out: everybody trains, so there is no score. For the last training, after all choices are made."""

    kind: Literal["everyone"] = "everyone"
    seed: int = Field(default=0, ge=0)
    """Who is set aside to choose the epoch, where train.checkpoint is inner_hold_out."""


class ByPhoto(Settings):
    """Stands here only to be refused with the reason."""

    kind: Literal["by_photo"] = "by_photo"
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, _: Any) -> Any:
        raise ValueError(BY_PHOTO_REFUSED)


SplitConfig = Annotated[HoldOut | KFold | Everyone | ByPhoto, Field(discriminator="kind")]
