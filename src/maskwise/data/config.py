"""Settings of the data room."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from maskwise.settings import Settings

CONSENSUS = "consensus"
"""The word for the shipped list of the competition's known wrong labels."""


class DataConfig(Settings):
    """What is done to a data set's labels before anything else."""

    corrections: tuple[str, ...] = ()
    """Lists of wrong labels to put right: CSV files of id,attribute,value, or the word consensus for the shipped."""


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


class ByPhoto(Settings):
    """Stands here only to be refused with the reason."""

    kind: Literal["by_photo"] = "by_photo"
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, _: Any) -> Any:
        raise ValueError(BY_PHOTO_REFUSED)


SplitConfig = Annotated[HoldOut | KFold | ByPhoto, Field(discriminator="kind")]
